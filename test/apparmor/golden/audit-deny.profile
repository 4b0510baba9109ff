# varmor: made from a policy; whatever is changed here is lost
@{PROC}=/proc/
profile varmor-test-audit-deny flags=(attach_disconnected,mediate_deleted) {
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
    audit deny mount, # base
    audit deny @{PROC}/* w, # base
    audit deny @{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/** w, # base
    audit deny @{PROC}/sys/[^k]** w, # base
    audit deny @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w, # base
    audit deny @{PROC}/sysrq-trigger rwklx, # base
    audit deny @{PROC}/mem rwklx, # base
    audit deny @{PROC}/kmem rwklx, # base
    audit deny @{PROC}/kcore rwklx, # base
    audit deny /sys/[^f]*/** wklx, # base
    audit deny /sys/f[^s]*/** wklx, # base
    audit deny /sys/fs/[^c]*/** wklx, # base
    audit deny /sys/fs/c[^g]*/** wklx, # base
    audit deny /sys/fs/cg[^r]*/** wklx, # base
    audit deny /sys/firmware/** rwklx, # base
    audit deny /sys/devices/virtual/powercap/** rwklx, # base
    audit deny /sys/kernel/security/** rwklx, # base
    audit deny /proc/sys/kernel/core_pattern w, # rules[0]
    audit deny mount fstype=securityfs, # rules[1]
    audit deny mount options in (bind,rbind,move) /proc** -> /**, # rules[2]
    audit deny mount options in (remount,bind,rbind) -> /proc**, # rules[3]
    audit deny @{varmor_disks} rw, # rules[4]
    audit deny mount @{varmor_disks}, # rules[5]
    audit deny umount, # rules[6]
    audit deny capability sys_module, # rules[7]
    audit deny capability, # rules[8]
    audit deny ptrace (read), # rules[9]
    audit deny /proc/**/mountinfo r, # rules[10]
    audit deny /**/.ssh/** rw, # rules[11]
    audit deny /**/sh rx, # rules[12]
    audit deny network, # rules[13]
    audit deny network inet6, # rules[14]
    audit deny network icmp, # rules[15]
    audit deny network tcp, # rules[16]
    audit deny network alg, # rules[17]
    audit deny /**/containerd.sock rw, # rules[18]
    audit deny /**/devices/**/tasks w, # rules[19]
}
