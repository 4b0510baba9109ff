# varmor: made from a policy; whatever is changed here is lost
@{PROC}=/proc/
profile varmor-test-deny flags=(attach_disconnected,mediate_deleted) {
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
    deny mount, # base
    deny @{PROC}/* w, # base
    deny @{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/** w, # base
    deny @{PROC}/sys/[^k]** w, # base
    deny @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w, # base
    deny @{PROC}/sysrq-trigger rwklx, # base
    deny @{PROC}/mem rwklx, # base
    deny @{PROC}/kmem rwklx, # base
    deny @{PROC}/kcore rwklx, # base
    deny /sys/[^f]*/** wklx, # base
    deny /sys/f[^s]*/** wklx, # base
    deny /sys/fs/[^c]*/** wklx, # base
    deny /sys/fs/c[^g]*/** wklx, # base
    deny /sys/fs/cg[^r]*/** wklx, # base
    deny /sys/firmware/** rwklx, # base
    deny /sys/devices/virtual/powercap/** rwklx, # base
    deny /sys/kernel/security/** rwklx, # base
    deny /proc/sys/kernel/core_pattern w, # rules[0]
    deny mount fstype=securityfs, # rules[1]
    deny mount options in (bind,rbind,move) /proc** -> /**, # rules[2]
    deny mount options in (remount,bind,rbind) -> /proc**, # rules[3]
    deny @{varmor_disks} rw, # rules[4]
    deny mount @{varmor_disks}, # rules[5]
    deny umount, # rules[6]
    deny capability sys_module, # rules[7]
    deny capability, # rules[8]
    deny ptrace (read), # rules[9]
    deny /proc/**/mountinfo r, # rules[10]
    deny /**/.ssh/** rw, # rules[11]
    deny /**/sh rx, # rules[12]
    deny network, # rules[13]
    deny network inet6, # rules[14]
    deny network icmp, # rules[15]
    deny network tcp, # rules[16]
    deny network alg, # rules[17]
    deny /**/containerd.sock rw, # rules[18]
    deny /**/devices/**/tasks w, # rules[19]
}
