# varmor: made from a policy; whatever is changed here is lost
@{PROC}=/proc/
profile varmor-test-targets flags=(attach_disconnected,mediate_deleted) {
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
    audit deny /**/wget rx, # rules[0]
    deny /etc/** w, # appArmorRawRules[0] (line 1, column 1)
    signal (send) peer=varmor-test-targets//child_0, # targets
    ptrace (trace, read) peer=varmor-test-targets//child_0, # targets
    /bin/bash cx -> child_0, # targets
    "/usr/bin/two words" cx -> child_0, # targets
    profile child_0 flags=(attach_disconnected,mediate_deleted) {
        /bin/bash rix, # targets
        "/usr/bin/two words" rix, # targets
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
        signal (receive) peer=varmor-test-targets, # targets
        ptrace (tracedby, readby) peer=varmor-test-targets, # targets
        audit deny /**/wget rx, # rules[0]
        deny /etc/** w, # appArmorRawRules[0] (line 1, column 1)
        audit deny /run/secrets/kubernetes.io/serviceaccount/** r, # attackProtectionRules[0]
        audit deny /tmp/** w, # appArmorRawRules[1] (line 1, column 1)
    }
}
