# varmor: made from a policy; whatever is changed here is lost
profile varmor-test-always-allow flags=(attach_disconnected,mediate_deleted) {
    file, # base
    capability, # base
    network, # base
    mount, # base
    remount, # base
    umount, # base
    pivot_root, # base
    ptrace, # base
    signal, # base
    dbus, # base
    unix, # base
}
