# varmor: made from a policy; whatever is changed here is lost
@{PROC}=/proc/
profile varmor-test-audit flags=(attach_disconnected,mediate_deleted) {
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
    audit pivot_root, # base
    audit dbus, # base
    audit mount, # base
    audit @{PROC}/* w, # base
    audit @{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/** w, # base
    audit @{PROC}/sys/[^k]** w, # base
    audit @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w, # base
    audit @{PROC}/sysrq-trigger rwklix, # base
    audit @{PROC}/mem rwklix, # base
    audit @{PROC}/kmem rwklix, # base
    audit @{PROC}/kcore rwklix, # base
    audit /sys/[^f]*/** wklix, # base
    audit /sys/f[^s]*/** wklix, # base
    audit /sys/fs/[^c]*/** wklix, # base
    audit /sys/fs/c[^g]*/** wklix, # base
    audit /sys/fs/cg[^r]*/** wklix, # base
    audit /sys/firmware/** rwklix, # base
    audit /sys/devices/virtual/powercap/** rwklix, # base
    audit /sys/kernel/security/** rwklix, # base
    audit /proc/sys/kernel/core_pattern w, # rules[0]
    audit mount fstype=securityfs, # rules[1]
    audit mount options in (bind,rbind,move) /proc** -> /**, # rules[2]
    audit mount options in (remount,bind,rbind) -> /proc**, # rules[3]
    audit @{varmor_disks} rw, # rules[4]
    audit mount @{varmor_disks}, # rules[5]
    audit umount, # rules[6]
    audit capability sys_module, # rules[7]
    audit capability, # rules[8]
    audit ptrace (read), # rules[9]
    audit /proc/**/mountinfo r, # rules[10]
    audit /**/.ssh/** rw, # rules[11]
    audit /**/sh rix, # rules[12]
    audit network, # rules[13]
    audit network inet6, # rules[14]
    audit network icmp, # rules[15]
    audit network tcp, # rules[16]
    audit network alg, # rules[17]
    audit /**/containerd.sock rw, # rules[18]
    audit /**/devices/**/tasks w, # rules[19]
}
