# varmor: made from a policy; whatever is changed here is lost
@{HOMEDIRS}=/home/
@{HOME}=@{HOMEDIRS}/*/ /root/
profile varmor-test-privileged flags=(attach_disconnected,mediate_deleted) {
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
