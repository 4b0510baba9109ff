# varmor: made from a policy; whatever is changed here is lost
profile varmor-test-privileged-targets flags=(attach_disconnected,mediate_deleted) {
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
    audit /**/wget rix, # rules[0]
    /bin/bash cx -> child_0, # targets
    profile child_0 flags=(attach_disconnected,mediate_deleted) {
        /bin/bash rix, # targets
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
        audit /**/wget rix, # rules[0]
        audit network, # attackProtectionRules[0]
    }
}
