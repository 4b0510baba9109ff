# SPDX-License-Identifier: Apache-2.0
"""What the API server must refuse of a policy, where the finding points to and what it says, and the nearest policy that
it must take. Specs are YAML in flow style."""
from typing import NamedTuple, Optional

ENFORCERS = ("AppArmor", "BPF", "Seccomp", "AppArmorBPF", "AppArmorSeccomp", "BPFSeccomp", "AppArmorBPFSeccomp")
SPELLINGS = ("AppArmor", "BPF", "Seccomp", "AppArmorBPF", "BPFAppArmor", "AppArmorSeccomp", "SeccompAppArmor", "BPFSeccomp",
             "SeccompBPF", "AppArmorBPFSeccomp", "AppArmorSeccompBPF", "BPFAppArmorSeccomp", "BPFSeccompAppArmor",
             "SeccompAppArmorBPF", "SeccompBPFAppArmor")
PROTECT = "spec.policy.enhanceProtect"
POD = "{kind: Pod, name: p}"


class Refused(NamedTuple):
    what: str
    path: str
    message: str
    spec: str
    neighbour: Optional[str]
    kind: str = "VarmorPolicy"
    only_server: bool = False  # the reader of files takes it, and says why in docs/policies.md


class Change(NamedTuple):
    what: str
    before: str
    after: str
    message: str
    neighbour: str
    phase: Optional[str] = None


def target(t):
    return "{target: %s, policy: {enforcer: BPF, mode: RuntimeDefault}}" % t


def rules(p):
    return "{target: %s, policy: {%s}}" % (POD, p)


def protect(e, enforcer="AppArmorBPFSeccomp"):
    return rules("enforcer: %s, mode: EnhanceProtect, enhanceProtect: {%s}" % (enforcer, e))


def bpf(b):
    return protect("bpfRawRules: {%s}" % b, "BPF")


def egress(e):
    return bpf("network: {egress: {%s}}" % e)


def destination(d):
    return egress("toDestinations: [{%s}]" % d)


def service(s):
    return egress("toServices: [{%s}]" % s)


def socket(s):
    return bpf("network: {sockets: [{%s}]}" % s)


def file(f):
    return bpf("files: [{%s}]" % f)


def mount(m):
    """Without privileged, every mount is denied already, and a rule for one is refused."""
    return protect("privileged: true, bpfRawRules: {mounts: [{%s}]}" % m, "BPF")


def syscall(s):
    return protect("syscallRawRules: [{names: [a], %s}]" % s, "Seccomp")


def argument(a):
    return syscall("action: SCMP_ACT_ERRNO, args: [{%s}]" % a)


def selector(s):
    return target("{kind: Pod, selector: {%s}}" % s)


def defense(d, enforcer):
    return rules("enforcer: %s, mode: DefenseInDepth, defenseInDepth: {%s}" % (enforcer, d))


def times(n, item):
    return ", ".join([item] * n)


APPARMOR = "appArmor: {profileType: Custom, customProfile: 'profile x {}'}"
SECCOMP = "seccomp: {profileType: BehaviorModel}"
MODELING = rules("enforcer: AppArmor, mode: BehaviorModeling, modelingOptions: {duration: %d}")

TARGETS = [
    Refused("a kind of target that nobody knows", "spec.target.kind", 'Unsupported value: "CronJob": supported values: "Deployment", '
            '"StatefulSet", "DaemonSet", "Pod"', target("{kind: CronJob, name: p}"), target("{kind: DaemonSet, name: p}")),
    Refused("a kind in another case", "spec.target.kind", "Unsupported value", target("{kind: pod, name: p}"),
            target("{kind: StatefulSet, name: p}")),
    Refused("no kind", "spec.target.kind", "Required value", target("{name: p}"), target(POD)),
    Refused("neither name nor selector", "spec.target", "neither a name nor a selector is given: one of them is needed",
            target("{kind: Pod}"), target("{kind: Pod, selector: {}}")),
    Refused("both name and selector", "spec.target.selector", "name and selector exclude each other",
            target("{kind: Pod, name: p, selector: {}}"), target(POD)),
    Refused("a target's name that is none", "spec.target.name", "should match", target("{kind: Pod, name: Web}"),
            target("{kind: Pod, name: we-b.1}")),
    Refused("a target's name of 254 bytes", "spec.target.name", "Too long", target("{kind: Pod, name: %s}" % ("a" * 254)),
            target("{kind: Pod, name: %s}" % ("a" * 253))),
    Refused("a container's name of 64 bytes", "spec.target.containers[1]", "Too long",
            target("{kind: Pod, name: p, containers: [a, %s]}" % ("a" * 64)),
            target("{kind: Pod, name: p, containers: [a, %s]}" % ("a" * 63))),
    Refused("a container's name with a dot", "spec.target.containers[0]", "should match",
            target("{kind: Pod, name: p, containers: [a.b]}"), target("{kind: Pod, name: p, containers: []}")),
    Refused("257 containers", "spec.target.containers", "Too many", target("{kind: Pod, name: p, containers: [%s]}" % times(257, "a")),
            target("{kind: Pod, name: p, containers: [%s]}" % times(256, "a"))),
    Refused("a label's value that is none", "spec.target.selector.matchLabels.app", "should match", selector("matchLabels: {app: a b}"),
            selector("matchLabels: {app: ''}")),
    Refused("an operator that nobody knows", "spec.target.selector.matchExpressions[0].operator",
            'supported values: "In", "NotIn", "Exists", "DoesNotExist"', selector("matchExpressions: [{key: a, operator: Is}]"),
            selector("matchExpressions: [{key: a, operator: Exists}]")),
    Refused("In without values", "spec.target.selector.matchExpressions[0]", "key 'a': In needs values",
            selector("matchExpressions: [{key: a, operator: In}]"), selector("matchExpressions: [{key: a, operator: In, values: [x]}]")),
    Refused("NotIn with an empty list", "spec.target.selector.matchExpressions[0]", "key 'a': NotIn needs values",
            selector("matchExpressions: [{key: a, operator: NotIn, values: []}]"),
            selector("matchExpressions: [{key: a, operator: NotIn, values: ['']}]")),
    Refused("Exists with values", "spec.target.selector.matchExpressions[0]", "key 'a': Exists takes no values",
            selector("matchExpressions: [{key: a, operator: Exists, values: [x]}]"),
            selector("matchExpressions: [{key: a, operator: DoesNotExist, values: []}]")),
    Refused("a label's key that is none", "spec.target.selector.matchExpressions[0].key", "should match",
            selector("matchExpressions: [{key: -a, operator: Exists}]"),
            selector("matchExpressions: [{key: example.com/a, operator: Exists}]")),
    Refused("65 expressions", "spec.target.selector.matchExpressions", "Too many",
            selector("matchExpressions: [%s]" % times(65, "{key: a, operator: Exists}")),
            selector("matchExpressions: [%s]" % times(64, "{key: a, operator: Exists}"))),
]

MODES = [
    Refused("a mode that nobody knows", "spec.policy.mode", 'Unsupported value: "Enforce": supported values: "AlwaysAllow", '
            '"RuntimeDefault", "EnhanceProtect", "BehaviorModeling", "DefenseInDepth"', rules("enforcer: BPF, mode: Enforce"),
            rules("enforcer: BPF, mode: AlwaysAllow")),
    Refused("an enforcer that nobody knows", "spec.policy.enforcer", "should match", rules("enforcer: Selinux, mode: AlwaysAllow"),
            rules("enforcer: sEccOmp, mode: AlwaysAllow")),
    Refused("an enforcer twice", "spec.policy.enforcer", "should match", rules("enforcer: BPFBPF, mode: AlwaysAllow"),
            rules("enforcer: BPFAppArmor, mode: AlwaysAllow")),
    Refused("no enforcer", "spec.policy.enforcer", "should match", rules("enforcer: '', mode: AlwaysAllow"),
            rules("enforcer: BPF, mode: AlwaysAllow")),
    Refused("no field enforcer", "spec.policy.enforcer", "Required value", rules("mode: AlwaysAllow"), None),
    Refused("no mode", "spec.policy.mode", "Required value", rules("enforcer: BPF"), None),
    Refused("no target", "spec.target", "Required value", "{policy: {enforcer: BPF, mode: AlwaysAllow}}", None),
    Refused("no policy", "spec.policy", "Required value", "{target: %s}" % POD, None),
    Refused("EnhanceProtect without its field", "spec.policy.mode", "mode EnhanceProtect needs the field 'enhanceProtect'",
            rules("enforcer: BPF, mode: EnhanceProtect"), rules("enforcer: BPF, mode: EnhanceProtect, enhanceProtect: {}")),
    Refused("BehaviorModeling without its field", "spec.policy.mode", "mode BehaviorModeling needs the field 'modelingOptions'",
            rules("enforcer: AppArmor, mode: BehaviorModeling"), MODELING % 1),
    Refused("DefenseInDepth without its field", "spec.policy.mode", "mode DefenseInDepth needs the field 'defenseInDepth'",
            rules("enforcer: AppArmor, mode: DefenseInDepth"), defense(APPARMOR, "AppArmor")),
    Refused("BehaviorModeling with BPF", "spec.policy.enforcer", "mode BehaviorModeling is not supported with the enforcer BPF",
            rules("enforcer: AppArmorBPF, mode: BehaviorModeling, modelingOptions: {duration: 1}"),
            rules("enforcer: AppArmorSeccomp, mode: BehaviorModeling, modelingOptions: {duration: 1}")),
    Refused("DefenseInDepth with BPF", "spec.policy.enforcer", "mode DefenseInDepth is not supported with the enforcer BPF",
            defense(APPARMOR, "bpfapparmor"), defense(APPARMOR, "apparmor")),
    Refused("a duration of 0", "spec.policy.modelingOptions.duration", "should be greater than or equal to 1", MODELING % 0, MODELING % 1),
    Refused("a duration beyond 32 bits", "spec.policy.modelingOptions.duration", "", MODELING % 2147483648, MODELING % 2147483647),
    Refused("AppArmor in DefenseInDepth without its part", "spec.policy.defenseInDepth",
            "enforcer 'AppArmorSeccomp' needs the field 'defenseInDepth.appArmor'", defense(SECCOMP, "AppArmorSeccomp"),
            defense(APPARMOR + ", " + SECCOMP, "AppArmorSeccomp")),
    Refused("Seccomp in DefenseInDepth without its part", "spec.policy.defenseInDepth",
            "enforcer 'Seccomp' needs the field 'defenseInDepth.seccomp'", defense("allowViolations: true", "Seccomp"),
            defense(SECCOMP, "Seccomp")),
    Refused("a part of DefenseInDepth without its enforcer", "spec.policy.defenseInDepth.seccomp",
            "the fields of seccomp need the enforcer Seccomp, which 'AppArmor' does not include",
            defense(APPARMOR + ", " + SECCOMP, "AppArmor"), defense(APPARMOR, "AppArmor")),
    Refused("Custom without a profile", "spec.policy.defenseInDepth.appArmor.profileType", "profileType Custom needs a customProfile",
            defense("appArmor: {profileType: Custom}", "AppArmor"), defense("appArmor: {profileType: BehaviorModel}", "AppArmor")),
    Refused("BehaviorModel with a profile", "spec.policy.defenseInDepth.seccomp.customProfile",
            "customProfile is not used with profileType BehaviorModel",
            defense("seccomp: {profileType: BehaviorModel, customProfile: '{}'}", "Seccomp"),
            defense("seccomp: {profileType: Custom, customProfile: '{}'}", "Seccomp")),
    Refused("an empty profile", "spec.policy.defenseInDepth.seccomp.customProfile", "at least 1",
            defense("seccomp: {profileType: Custom, customProfile: ''}", "Seccomp"), None),
    Refused("a type of profile that nobody knows", "spec.policy.defenseInDepth.seccomp.profileType",
            'supported values: "BehaviorModel", "Custom"', defense("seccomp: {profileType: custom}", "Seccomp"), None),
    Refused("text for a boolean", "spec.updateExistingWorkloads", "expected boolean",
            "{target: %s, policy: {enforcer: BPF, mode: AlwaysAllow}, updateExistingWorkloads: 'no'}" % POD,
            "{target: %s, policy: {enforcer: BPF, mode: AlwaysAllow}, updateExistingWorkloads: false}" % POD),
]

PARTS = [
    Refused("AppArmor rules without AppArmor", PROTECT + ".appArmorRawRules",
            "appArmorRawRules need the enforcer AppArmor, which 'BPFSeccomp' does not include",
            protect("appArmorRawRules: [{rules: 'deny /x w,'}]", "BPFSeccomp"),
            protect("appArmorRawRules: [{rules: 'deny /x w,'}]", "BPFAppArmor")),
    Refused("BPF rules without BPF", PROTECT + ".bpfRawRules", "bpfRawRules need the enforcer BPF, which 'AppArmor' does not include",
            protect("bpfRawRules: {}", "AppArmor"), protect("bpfRawRules: {}", "BPF")),
    Refused("rules for system calls without Seccomp", PROTECT + ".syscallRawRules",
            "syscallRawRules need the enforcer Seccomp, which 'BPF' does not include",
            protect("syscallRawRules: [{names: [a], action: SCMP_ACT_LOG}]", "BPF"),
            protect("syscallRawRules: [{names: [a], action: SCMP_ACT_LOG}]", "BPFSeccomp")),
    Refused("rules for single programs without AppArmor", PROTECT + ".attackProtectionRules",
            "attackProtectionRules with targets need the enforcer AppArmor, which 'BPF' does not include",
            protect("attackProtectionRules: [{rules: [disable-shell], targets: [/bin/sh]}]", "BPF"),
            protect("attackProtectionRules: [{rules: [disable-shell], targets: []}]", "BPF")),
    Refused("attack protection without rules", PROTECT + ".attackProtectionRules[0].rules", "at least 1",
            protect("attackProtectionRules: [{rules: []}]"), protect("attackProtectionRules: [{rules: [disable-shell]}]")),
    Refused("a program without a full path", PROTECT + ".attackProtectionRules[0].targets[0]", "should match '^/'",
            protect("attackProtectionRules: [{rules: [disable-shell], targets: [sh]}]"),
            protect("attackProtectionRules: [{rules: [disable-shell], targets: [/bin/sh]}]")),
    Refused("the same of raw rules", PROTECT + ".appArmorRawRules[0].targets[0]", "should match '^/'",
            protect("appArmorRawRules: [{rules: 'deny /x w,', targets: [bin/sh]}]"),
            protect("appArmorRawRules: [{rules: 'deny /x w,', targets: [/bin/sh]}]")),
    Refused("an empty AppArmor rule", PROTECT + ".appArmorRawRules[0].rules", "at least 1", protect("appArmorRawRules: [{rules: ''}]"), None),
    Refused("AppArmor rules of more than 256 KiB", PROTECT + ".appArmorRawRules[0].rules", "Too long",
            protect("appArmorRawRules: [{rules: '%s'}]" % ("deny /x w,\n" * 23832)),
            protect("appArmorRawRules: [{rules: '%s'}]" % ("deny /x w,  " * 100))),
    Refused("an empty name of a rule", PROTECT + ".hardeningRules[0]", "at least 1", protect("hardeningRules: ['']"),
            protect("hardeningRules: []")),
    Refused("10,001 rules", PROTECT + ".bpfRawRules.files", "Too many", bpf("files: [%s]" % times(10001, "{pattern: a, permissions: [r]}")),
            bpf("files: [%s]" % times(10000, "{pattern: a, permissions: [r]}"))),
]

FILES = [
    Refused("a permission that nobody knows", PROTECT + ".bpfRawRules.files[0].permissions[1]",
            r"should match '(?i)^(all|\*|read|r|write|w|exec|x|append|a)$'", file("pattern: a, permissions: [read, reed]"),
            file("pattern: a, permissions: [READ, '*']")),
    Refused("no permission", PROTECT + ".bpfRawRules.files[0].permissions", "at least 1", file("pattern: a, permissions: []"), None),
    Refused("no field permissions", PROTECT + ".bpfRawRules.files[0].permissions", "Required value", file("pattern: a"), None),
    Refused("no pattern", PROTECT + ".bpfRawRules.files[0].pattern", "Required value", file("permissions: [r]"), None),
    Refused("a pattern of 4,097 bytes", PROTECT + ".bpfRawRules.files[0].pattern", "Too long",
            file("pattern: %s, permissions: [r]" % ("a" * 4097)), file("pattern: %s, permissions: [r]" % ("a" * 4096))),
    Refused("257 words", PROTECT + ".bpfRawRules.files[0].permissions", "Too many", file("pattern: a, permissions: [%s]" % times(257, "r")),
            file("pattern: a, permissions: [%s]" % times(256, "r"))),
    Refused("a qualifier that nobody knows", PROTECT + ".bpfRawRules.processes[0].qualifiers[0]", r"should match '(?i)^(deny|audit)$'",
            bpf("processes: [{pattern: a, permissions: [x], qualifiers: [allow]}]"),
            bpf("processes: [{pattern: a, permissions: [x], qualifiers: [deny, Audit]}]")),
    Refused("no qualifier", PROTECT + ".bpfRawRules.processes[0].qualifiers", "at least 1",
            bpf("processes: [{pattern: a, permissions: [x], qualifiers: []}]"), None),
    Refused("a ptrace permission that nobody knows", PROTECT + ".bpfRawRules.ptrace.permissions[0]", "should match",
            bpf("ptrace: {permissions: [write]}"), bpf("ptrace: {permissions: [traceby], strictMode: true}")),
    Refused("a mount flag that nobody knows", PROTECT + ".bpfRawRules.mounts[0].flags[0]", "should match",
            mount("sourcePattern: a, fstype: x, flags: [readonly]"), mount("sourcePattern: a, fstype: x, flags: [read-only, B]")),
    Refused("a type of file system of 16 bytes", PROTECT + ".bpfRawRules.mounts[0].fstype", "Too long",
            mount("sourcePattern: a, fstype: abcdefghijklmnop, flags: [all]"),
            mount("sourcePattern: a, fstype: abcdefghijklmno, flags: [all]")),
    Refused("an empty type of file system", PROTECT + ".bpfRawRules.mounts[0].fstype", "at least 1",
            mount("sourcePattern: a, fstype: '', flags: [all]"), mount("sourcePattern: a, fstype: '*', flags: [all]")),
]

NETWORK = [
    Refused("a socket of nothing", PROTECT + ".bpfRawRules.network.sockets[0]",
            "none of domains, types, protocols is given: at least one is needed", socket("qualifiers: [deny]"), socket("types: [raw]")),
    Refused("a socket of empty lists", PROTECT + ".bpfRawRules.network.sockets[0]", "none of domains, types, protocols is given",
            socket("domains: [], types: []"), socket("domains: [], types: [], protocols: [tcp]")),
    Refused("types with protocols", PROTECT + ".bpfRawRules.network.sockets[0].protocols",
            "types and protocols exclude each other in one rule: make two rules of it", socket("types: [raw], protocols: [icmp]"),
            socket("domains: [inet], protocols: [icmp]")),
    Refused("a domain that nobody knows", PROTECT + ".bpfRawRules.network.sockets[0].domains[0]", "should match", socket("domains: [ipv4]"),
            socket("domains: [inet]")),
    Refused("ip with cidr", PROTECT + ".bpfRawRules.network.egress.toDestinations[0].cidr", "ip and cidr exclude each other in one rule",
            destination("ip: 10.0.0.1, cidr: 10.0.0.0/8"), destination("cidr: 10.0.0.0/8")),
    Refused("a destination of nothing", PROTECT + ".bpfRawRules.network.egress.toDestinations[0]", "none of ip, cidr, ports is given",
            destination("ports: []"), destination("ports: [{port: 1}]")),
    Refused("a name for an address", PROTECT + ".bpfRawRules.network.egress.toDestinations[0].ip",
            "'example.com' is not an IP address (10.0.0.1, fd00::1) or one of: pod-self, unspecified, localhost",
            destination("ip: example.com"), destination("ip: 'fd00::1'")),
    Refused("a block for an address", PROTECT + ".bpfRawRules.network.egress.toDestinations[0].ip", "is not an IP address",
            destination("ip: 10.0.0.0/8"), destination("ip: localhost")),
    Refused("an address for a block", PROTECT + ".bpfRawRules.network.egress.toDestinations[0].cidr",
            "'10.0.0.1' is not a block of addresses such as 10.0.0.0/8 or fd00::/8", destination("cidr: 10.0.0.1"),
            destination("cidr: 'fd00::/8'")),
    Refused("port 0", PROTECT + ".bpfRawRules.network.egress.toDestinations[0].ports[0].port", "should be greater than or equal to 1",
            destination("ports: [{port: 0}]"), destination("ports: [{port: 1}]")),
    Refused("port 65536", PROTECT + ".bpfRawRules.network.egress.toDestinations[0].ports[0].port", "should be less than or equal to 65535",
            destination("ports: [{port: 65536}]"), destination("ports: [{port: 65535, endPort: 65535}]")),
    Refused("a range that ends before it begins", PROTECT + ".bpfRawRules.network.egress.toDestinations[0].ports[0].endPort",
            "endPort is less than port", destination("ports: [{port: 80, endPort: 79}]"), destination("ports: [{port: 80, endPort: 80}]")),
    Refused("65 ports", PROTECT + ".bpfRawRules.network.egress.toDestinations[0].ports", "Too many",
            destination("ports: [%s]" % times(65, "{port: 1}")), destination("ports: [%s]" % times(64, "{port: 1}"))),
    Refused("pods without a selector", PROTECT + ".bpfRawRules.network.egress.toPods[0].podSelector", "Required value",
            egress("toPods: [{namespace: a}]"), egress("toPods: [{podSelector: {}, namespace: a}]")),
    Refused("1,025 rules for pods", PROTECT + ".bpfRawRules.network.egress.toPods", "Too many",
            egress("toPods: [%s]" % times(1025, "{podSelector: {}}")), egress("toPods: [%s]" % times(1024, "{podSelector: {}}"))),
    Refused("a service by name and selector", PROTECT + ".bpfRawRules.network.egress.toServices[0].serviceSelector",
            "name and serviceSelector exclude each other", service("namespace: a, name: b, serviceSelector: {}"),
            service("namespace: a, serviceSelector: {}")),
    Refused("a service of nothing", PROTECT + ".bpfRawRules.network.egress.toServices[0]",
            "neither a name (with its namespace) nor a serviceSelector is given", service("namespace: a"), service("serviceSelector: {}")),
    Refused("a service by name alone", PROTECT + ".bpfRawRules.network.egress.toServices[0].name",
            "a service by name needs its namespace too", service("name: a"), service("name: a, namespace: b")),
    Refused("a namespace that is none", PROTECT + ".bpfRawRules.network.egress.toServices[0].namespace", "should match",
            service("name: a, namespace: B"), service("name: a, namespace: b-1")),
]

SYSCALLS = [
    Refused("an action that nobody knows", PROTECT + ".syscallRawRules[0].action", "Unsupported value", syscall("action: ERRNO"),
            syscall("action: SCMP_ACT_KILL_PROCESS")),
    Refused("no system call", PROTECT + ".syscallRawRules[0].names", "at least 1",
            protect("syscallRawRules: [{names: [], action: SCMP_ACT_LOG}]"), None),
    Refused("errno 4096", PROTECT + ".syscallRawRules[0].errnoRet", "should be less than or equal to 4095",
            syscall("action: SCMP_ACT_ERRNO, errnoRet: 4096"), syscall("action: SCMP_ACT_ERRNO, errnoRet: 4095")),
    Refused("an errno without an error", PROTECT + ".syscallRawRules[0].errnoRet",
            "an errno has a meaning with SCMP_ACT_ERRNO and SCMP_ACT_TRACE only, not with SCMP_ACT_LOG",
            syscall("action: SCMP_ACT_LOG, errnoRet: 1"), syscall("action: SCMP_ACT_TRACE, errnoRet: 1")),
    Refused("a seventh argument", PROTECT + ".syscallRawRules[0].args[0].index", "should be less than or equal to 5",
            argument("index: 6, op: SCMP_CMP_EQ, value: 1"), argument("index: 5, op: SCMP_CMP_EQ, value: 1")),
    Refused("an operator for arguments that nobody knows", PROTECT + ".syscallRawRules[0].args[0].op", "Unsupported value",
            argument("index: 0, op: EQ, value: 1"), argument("index: 0, op: SCMP_CMP_GE, value: 1")),
    Refused("a second value without a mask", PROTECT + ".syscallRawRules[0].args[0].valueTwo",
            "a second value has a meaning with SCMP_CMP_MASKED_EQ only, not with SCMP_CMP_EQ",
            argument("index: 0, op: SCMP_CMP_EQ, value: 1, valueTwo: 1"), argument("index: 0, op: SCMP_CMP_EQ, value: 1, valueTwo: 0")),
    Refused("a value below 0", PROTECT + ".syscallRawRules[0].args[0].value", "should be greater than or equal to 0",
            argument("index: 0, op: SCMP_CMP_EQ, value: -1"), argument("index: 0, op: SCMP_CMP_MASKED_EQ, value: 4294967296, valueTwo: 8")),
    Refused("a value beyond 63 bits", PROTECT + ".syscallRawRules[0].args[0].value", "must be of type integer",
            argument("index: 0, op: SCMP_CMP_EQ, value: 9223372036854775808"),
            argument("index: 0, op: SCMP_CMP_EQ, value: 9223372036854775807"), only_server=True),
    Refused("33 conditions", PROTECT + ".syscallRawRules[0].args", "Too many",
            syscall("action: SCMP_ACT_LOG, args: [%s]" % times(33, "{index: 0, op: SCMP_CMP_EQ, value: 1}")),
            syscall("action: SCMP_ACT_LOG, args: [%s]" % times(32, "{index: 0, op: SCMP_CMP_EQ, value: 1}"))),
]

CLUSTER = [r._replace(kind="VarmorClusterPolicy", what=r.what + " (VarmorClusterPolicy)") for r in TARGETS[:5] + MODES[:2]]

REFUSED = TARGETS + MODES + PARTS + FILES + NETWORK + SYSCALLS + CLUSTER

# Shapes of the incumbent's documents that must go on to apply.
TAKEN = [
    ("AlwaysAllow of each set of enforcers: %s" % e, rules("enforcer: %s, mode: AlwaysAllow" % e)) for e in ENFORCERS
] + [
    ("RuntimeDefault of each set of enforcers: %s" % e, rules("enforcer: %s, mode: RuntimeDefault" % e)) for e in ENFORCERS
] + [
    ("EnhanceProtect of each set of enforcers: %s" % e,
     protect("hardeningRules: [disallow-umount], privileged: true, auditViolations: true, allowViolations: true", e)) for e in ENFORCERS
    if e != "Seccomp"
] + [
    ("EnhanceProtect of Seccomp", protect("hardeningRules: [disallow-create-user-ns]", "Seccomp")),
    ("BehaviorModeling of AppArmor", MODELING % 30),
    ("DefenseInDepth of AppArmor", defense(APPARMOR + ", allowViolations: true", "AppArmor")),
    ("DefenseInDepth of AppArmor and Seccomp",
     defense("appArmor: {profileType: BehaviorModel, appArmorRawRules: [{rules: '/x r,'}]}, "
             "seccomp: {profileType: Custom, customProfile: '{\"defaultAction\": \"SCMP_ACT_ALLOW\"}', "
             "syscallRawRules: [{names: [a], action: SCMP_ACT_ALLOW}]}", "AppArmorSeccomp")),
    ("a section that the mode does not read", rules("enforcer: BPF, mode: RuntimeDefault, enhanceProtect: {hardeningRules: [disallow-umount]}")),
    ("a word for an address", destination("ip: pod-self")),
    ("a mapped address", destination("ip: '::ffff:10.0.0.1'")),
    ("every field of BPF rules",
     protect("privileged: true, bpfRawRules: {files: [{pattern: '/etc/**', permissions: [all]}], processes: [{pattern: '**ps', permissions: [exec]}], "
         "network: {sockets: [{domains: [all], types: [raw]}], egress: {toDestinations: [{cidr: 10.0.0.0/8, ports: [{port: 1, endPort: 9}]}], "
         "toPods: [{podSelector: {matchLabels: {a: b}}, ports: [{port: 80}]}], toServices: [{namespace: a, name: b}]}}, "
         "ptrace: {strictMode: false, permissions: [trace, read]}, mounts: [{sourcePattern: '**', fstype: '*', flags: [all]}]}", "BPF")),
]

ALLOW = rules("enforcer: AppArmor, mode: AlwaysAllow")
CHANGES = [
    Change("another target", ALLOW, ALLOW.replace("name: p", "name: q"), "the target may not change: delete the policy and create it anew",
           rules("enforcer: AppArmor, mode: RuntimeDefault")),
    Change("fewer containers", target("{kind: Pod, name: p, containers: [a, b]}"), target("{kind: Pod, name: p, containers: [a]}"),
           "the target may not change", target("{kind: Pod, name: p, containers: [a, b]}")),
    Change("another selector", selector("matchLabels: {a: b}"), selector("matchLabels: {a: c}"), "the target may not change",
           selector("matchLabels: {a: b}")),
    Change("a switch into BehaviorModeling", ALLOW, MODELING % 5,
           "no policy is switched to mode BehaviorModeling: delete it and create it anew", defense(APPARMOR, "AppArmor")),
    Change("a switch from BehaviorModeling", MODELING % 5, ALLOW, "no policy is switched from mode BehaviorModeling", MODELING % 1),
    Change("an enforcer more in BehaviorModeling", MODELING % 5, (MODELING % 5).replace("AppArmor", "AppArmorSeccomp"),
           "the enforcers may not change in mode BehaviorModeling", (MODELING % 5).replace("AppArmor", "APPARMOR")),
    Change("another duration of a completed model", MODELING % 5, MODELING % 6, "a completed model is not changed", MODELING % 5,
           phase="Completed"),
    Change("a switch from BehaviorModeling while the model is made", MODELING % 5, ALLOW, "no policy is switched from mode BehaviorModeling",
           MODELING % 1, phase="Modeling"),
]
