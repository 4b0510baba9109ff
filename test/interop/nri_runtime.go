// SPDX-License-Identifier: Apache-2.0

// nri_runtime SOCKET: the side of a container runtime in NRI, by containerd's own package, for test/interop/run_nri.
// Each line of its input is the id of a container that is about to be started, as the runtime tells plugins; it answers
// "ID started after N ms". startRequest is what the package's version calls the message.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/containerd/nri/pkg/adaptation"
	"github.com/containerd/nri/pkg/api"
)

// What a full node tells a plugin when it registers: some megabytes.
const pods = 2000

func synchronize(ctx context.Context, tell adaptation.SyncCB) error {
	var known []*adaptation.PodSandbox
	var containers []*adaptation.Container
	for i := 0; i < pods; i++ {
		id := fmt.Sprintf("pod-%d", i)
		known = append(known, &api.PodSandbox{Id: id, Name: id, Namespace: "shop"})
		containers = append(containers, &api.Container{Id: "of-" + id, PodSandboxId: id, Args: []string{strings.Repeat("a", 1000)}})
	}
	_, err := tell(ctx, known, containers)
	return err
}

func update(context.Context, []*adaptation.ContainerUpdate) ([]*adaptation.ContainerUpdate, error) {
	return nil, nil
}

func begin(socket string) *adaptation.Adaptation {
	r, err := adaptation.New("containerd", "v9.9", synchronize, update, adaptation.WithSocketPath(socket),
		adaptation.WithPluginPath(socket+".plugins"), adaptation.WithPluginConfigPath(socket+".config"))
	if err == nil {
		err = r.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return r
}

func main() {
	r := begin(os.Args[1])
	fmt.Println("begun")
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		id, from := commands.Text(), time.Now()
		request := &startRequest{Pod: &api.PodSandbox{Id: "pod-1"}, Container: &api.Container{Id: id}}
		if err := r.StartContainer(context.Background(), request); err != nil {
			fmt.Println(id, "failed:", err)
			continue
		}
		fmt.Println(id, "started after", time.Since(from).Milliseconds(), "ms")
	}
}
