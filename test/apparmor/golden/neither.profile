# varmor: made from a policy; whatever is changed here is lost
@{PROC}=/proc/
profile varmor-test-neither flags=(attach_disconnected,mediate_deleted) {
    network, # base
    capability, # base
    file, # base
    umount, # base
    signal (receive) peer=unconfined, # base
    signal (receive) peer=runc, # base
    signal (receive) peer=crun, # base
    signal (send, receive) peer=@{profile_name}, # base
    ptrace (trace, read, tracedby, readby) peer=@{profile_name}, # base
    ptrace (readby, tracedby), # base
    signal (send, receive) set=exists, # base
    unix (create, getattr, getopt, setopt, shutdown), # base
    unix peer=(label=@{profile_name}), # base
    unix (receive) peer=(label=unconfined), # base
    ptrace, # base
    signal, # base
    unix, # base
    pivot_root, # base
    dbus, # base
    mount, # base
    @{PROC}/* w, # base
    @{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/** w, # base
    @{PROC}/sys/[^k]** w, # base
    @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w, # base
    @{PROC}/sysrq-trigger rwklix, # base
    @{PROC}/mem rwklix, # base
    @{PROC}/kmem rwklix, # base
    @{PROC}/kcore rwklix, # base
    /sys/[^f]*/** wklix, # base
    /sys/f[^s]*/** wklix, # base
    /sys/fs/[^c]*/** wklix, # base
    /sys/fs/c[^g]*/** wklix, # base
    /sys/fs/cg[^r]*/** wklix, # base
    /sys/firmware/** rwklix, # base
    /sys/devices/virtual/powercap/** rwklix, # base
    /sys/kernel/security/** rwklix, # base
    /proc/sys/kernel/core_pattern w, # rules[0]
    mount fstype=securityfs, # rules[1]
    mount options in (bind,rbind,move) /proc** -> /**, # rules[2]
    mount options in (remount,bind,rbind) -> /proc**, # rules[3]
    @{varmor_disks} rw, # rules[4]
    mount @{varmor_disks}, # rules[5]
    umount, # rules[6]
    capability sys_module, # rules[7]
    capability, # rules[8]
    ptrace (read), # rules[9]
    /proc/**/mountinfo r, # rules[10]
    /**/.ssh/** rw, # rules[11]
    /**/sh rix, # rules[12]
    network, # rules[13]
    network inet6, # rules[14]
    network icmp, # rules[15]
    network tcp, # rules[16]
    network alg, # rules[17]
    /**/containerd.sock rw, # rules[18]
    /**/devices/**/tasks w, # rules[19]
}
