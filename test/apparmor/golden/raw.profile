# varmor: made from a policy; whatever is changed here is lost
@{HOMEDIRS}=/home/
@{HOME}=@{HOMEDIRS}/*/ /root/
@{PROC}=/proc/
profile varmor-test-raw flags=(attach_disconnected,mediate_deleted) {
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
    deny /etc/shadow rw, # appArmorRawRules[0] (line 2, column 1)
    audit /etc/** w, # appArmorRawRules[0] (line 2, column 22)
    owner @{HOME}/.ssh/** rw, # appArmorRawRules[0] (line 3, column 1)
    "/srv/two words/**" rwkl, # appArmorRawRules[0] (line 4, column 1)
    /opt/{a,b}/bin/* rix, # appArmorRawRules[0] (line 5, column 1)
    deny /opt/x rwklx, # appArmorRawRules[0] (line 6, column 1)
    link subset /srv/a -> /srv/b, # appArmorRawRules[0] (line 7, column 1)
    audit deny capability sys_admin bpf, # appArmorRawRules[0] (line 8, column 1)
    deny network netlink raw, # appArmorRawRules[0] (line 9, column 1)
    deny mount fstype=(proc,sysfs) options in (ro,nosuid) -> /mnt/**, # appArmorRawRules[0] (line 10, column 1)
    remount /mnt/, # appArmorRawRules[0] (line 11, column 1)
    deny umount /proc/**, # appArmorRawRules[0] (line 11, column 16)
    pivot_root oldroot=/old/ /new/, # appArmorRawRules[0] (line 12, column 1)
    ptrace (trace) peer=unconfined, # appArmorRawRules[0] (line 13, column 1)
    signal (send) set=(term,rtmin+1) peer=@{profile_name}, # appArmorRawRules[0] (line 14, column 1)
    dbus (send) bus=session path=/a interface=b.c member=D peer=(name=e.f), # appArmorRawRules[0] (line 15, column 1)
    unix (send, receive) type=stream addr=@x peer=(label=unconfined), # appArmorRawRules[0] (line 16, column 1)
    set rlimit nofile <= 1024, # appArmorRawRules[0] (line 17, column 1)
}
