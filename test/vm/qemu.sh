# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2054
#
# Sourced after cache.sh: what all our guests have in common on QEMU's command line.

qemu_program=qemu-system-x86_64
# The order that Debian uses, and the BPF LSM. From 6.12 on the kernel adds ima and evm by itself.
qemu_lsm=lsm=lockdown,capability,yama,apparmor,bpf

# qemu_machine ICOUNT MEMORY_MB CPUS: begins the array qemu_args.
qemu_machine() {
    local icount=$1 mem_mb=$2 n_cpus=$3
    qemu_args=("$qemu_program" -nodefaults -no-user-config -no-reboot -display none
        -m "$mem_mb" -smp "$n_cpus" -device virtio-rng-pci)
    if [ "$icount" = yes ]; then
        qemu_args+=(-accel tcg,thread=single -cpu max -icount shift=0)
    elif [ "${VM_ACCEL:-tcg}" = kvm ]; then
        qemu_args+=(-accel kvm -cpu host)
    else
        qemu_args+=(-accel tcg,thread=multi -cpu max)
    fi
}
