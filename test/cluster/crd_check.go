// SPDX-License-Identifier: Apache-2.0
// Judges CustomResourceDefinitions as the API server of one Kubernetes version does (crd_versions builds it from its
// modules): structural schemas, expressions that compile, and their estimated costs.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// judge prints what is wrong with a definition, and says how much.
func judge(scheme *runtime.Scheme, document []byte) int {
	var given v1.CustomResourceDefinition
	var internal apiextensions.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(document, &given); err != nil {
		fmt.Println(err)
		return 1
	}
	if given.Name == "" { // the comment in front
		return 0
	}
	v1.SetDefaults_CustomResourceDefinition(&given)
	v1.SetDefaults_CustomResourceDefinitionSpec(&given.Spec)
	given.Status.StoredVersions = []string{given.Spec.Versions[0].Name}
	if err := scheme.Convert(&given, &internal, nil); err != nil {
		fmt.Println(err)
		return 1
	}
	wrong := validation.ValidateCustomResourceDefinition(context.Background(), &internal)
	for _, e := range wrong {
		fmt.Println(given.Name, e)
	}
	return len(wrong)
}

func main() {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	wrong := 0
	for _, document := range bytes.Split(data, []byte("\n---\n")) {
		wrong += judge(scheme, document)
	}
	if wrong > 0 {
		os.Exit(1)
	}
}
