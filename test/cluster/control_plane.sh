# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# etcd and kube-apiserver as processes of this machine, on ports of 127.0.0.1 that nobody else has: all that tests
# without a node need. For a cluster with a node (test/cluster/node) they live in a network namespace: where a file
# FOLDER/netns names one, everything here runs in it, and FOLDER/address is where the API server listens.
#
#   control_plane_start FOLDER [API-SERVER-FLAG...]   returns when it is ready; FOLDER gets admin.kubeconfig, ca.pem,
#                                                     logs and process ids
#   control_plane_stop FOLDER
#   control_plane_restart FOLDER                      the API server alone: killed and started again
#   cluster_kubectl FOLDER ARGUMENT...                kubectl as the administrator
#   signed_key FOLDER NAME SUBJECT USAGE [SAN]        NAME.key and NAME.pem of the cluster's authority, for a component
#   write_kubeconfig FOLDER NAME                      NAME.kubeconfig with the key of that name inside
#   in_network FOLDER COMMAND...                      runs a command where the cluster's addresses are

cluster_build=${BASH_SOURCE[0]%/*}/build

in_network() {
    local dir=$1
    shift
    if [ -e "$dir/netns" ]; then
        nsenter --net="/run/netns/$(cat "$dir/netns")" -- "$@"
    else
        "$@"
    fi
}

# spawn FOLDER NAME COMMAND...: a process in the background, with FOLDER/NAME.log and FOLDER/NAME.pid.
spawn() {
    local dir=$1 name=$2 enter=()
    shift 2
    # Neither forks: the process has the number that is kept.
    if [ -e "$dir/netns" ]; then enter=(nsenter --net="/run/netns/$(cat "$dir/netns")" --); fi
    "${enter[@]}" "$@" >>"$dir/$name.log" 2>&1 </dev/null &
    echo $! >"$dir/$name.pid"
    disown
}

server_address() {
    cat "$1/address" 2>/dev/null || echo 127.0.0.1
}

# new_key FOLDER NAME SUBJECT [OPENSSL-OPTION...]: a key and a certificate of the folder's authority.
new_key() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout "$1/$2.key" -out "$1/$2.pem" \
        -subj "$3" "${@:4}" 2>>"$1/openssl.log"
}

signed_key() {
    new_key "$1" "$2" "$3" -CA "$1/ca.pem" -CAkey "$1/ca.key" -addext 'basicConstraints=critical,CA:false' \
        -addext "extendedKeyUsage=$4" ${5:+-addext "subjectAltName=$5"}
}

make_keys() {
    local dir=$1
    new_key "$dir" ca /CN=authority
    signed_key "$dir" server /CN=kube-apiserver serverAuth \
        "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost,IP:127.0.0.1,IP:10.96.0.1,IP:$(server_address "$dir")"
    signed_key "$dir" admin /O=system:masters/CN=admin clientAuth
    openssl genrsa -out "$dir/accounts.key" 2048 2>>"$dir/openssl.log"
    openssl rsa -in "$dir/accounts.key" -pubout -out "$dir/accounts.pub" 2>>"$dir/openssl.log"
}

# free_ports FOLDER N: numbers of TCP ports that are free now.
free_ports() {
    in_network "$1" python3 - "$2" <<'EOF'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))
EOF
}

write_kubeconfig() {
    local dir=$1 name=$2
    cat >"$dir/$name.kubeconfig" <<EOF
apiVersion: v1
kind: Config
clusters:
  - name: test
    cluster:
      server: "https://$(server_address "$dir"):$(cat "$dir/port")"
      certificate-authority-data: $(base64 -w 0 "$dir/ca.pem")
users:
  - name: $name
    user:
      client-certificate-data: $(base64 -w 0 "$dir/$name.pem")
      client-key-data: $(base64 -w 0 "$dir/$name.key")
contexts:
  - name: test
    context: {cluster: test, user: $name}
current-context: test
EOF
}

api_server_start() {
    local dir=$1
    # shellcheck disable=SC1091 # written by control_plane_start
    source "$dir/programs"
    mapfile -t flags <"$dir/flags"
    spawn "$dir" api-server "$api_server" "${flags[@]}"
    for _ in $(seq 300); do
        if cluster_kubectl "$dir" get --raw /readyz >/dev/null 2>&1; then return 0; fi
        if ! kill -0 "$(cat "$dir/api-server.pid")" 2>/dev/null; then break; fi
        sleep 0.2
    done
    tail -n 20 "$dir/api-server.log" >&2
    return 1
}

control_plane_start() {
    local dir etcd_port peer_port port etcd api_server kubectl
    dir=$(realpath "$1")
    shift
    { read -r etcd && read -r api_server && read -r kubectl; } < <("$cluster_build" etcd kube-apiserver kubectl) || return 77
    read -r etcd_port peer_port port < <(free_ports "$dir" 3)
    echo "$port" >"$dir/port"
    make_keys "$dir"
    write_kubeconfig "$dir" admin
    printf 'api_server=%q\nkubectl=%q\n' "$api_server" "$kubectl" >"$dir/programs"
    spawn "$dir" etcd "$etcd" --data-dir "$dir/etcd" --unsafe-no-fsync \
        --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
        --listen-peer-urls "http://127.0.0.1:$peer_port"
    printf '%s\n' "--etcd-servers=http://127.0.0.1:$etcd_port" "--bind-address=$(server_address "$dir")" "--secure-port=$port" \
        "--tls-cert-file=$dir/server.pem" "--tls-private-key-file=$dir/server.key" "--client-ca-file=$dir/ca.pem" \
        --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --allow-privileged=true \
        --service-account-issuer=https://kubernetes.default.svc "--service-account-key-file=$dir/accounts.pub" \
        "--service-account-signing-key-file=$dir/accounts.key" "$@" >"$dir/flags"
    api_server_start "$dir"
}

stop_process() {
    local pid
    pid=$(cat "$1" 2>/dev/null) || return 0
    kill -"${2:-TERM}" "$pid" 2>/dev/null || true
    for _ in $(seq 50); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    rm -f "$1"
    return 0
}

control_plane_stop() {
    stop_process "$1/api-server.pid"
    stop_process "$1/etcd.pid"
}

control_plane_restart() {
    stop_process "$1/api-server.pid" KILL
    api_server_start "$1"
}

cluster_kubectl() {
    local dir=$1 kubectl
    shift
    # shellcheck disable=SC1091 # written by control_plane_start
    source "$dir/programs"
    in_network "$dir" "$kubectl" --kubeconfig "$dir/admin.kubeconfig" "$@"
}
