{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
The agent's capabilities, each with what it is for. The agent gives up what it no longer needs once its programs are
loaded (agent/confinement.c), and apparmor_parser keeps none. test/chart/run compares this with that list.
*/}}
{{- define "varmor.agent.capabilities" -}}
drop: [ALL]
add:
  # Joins the cgroup and network namespaces of process 1, where containers' cgroups have their names and the kernel tells
  # audit records; reads back what the kernel holds by the ids of BPF objects.
  - SYS_ADMIN
  # Looks at the processes of containers in /proc: namespaces, descriptors, root directories, AppArmor labels.
  - SYS_PTRACE
  # The same for containers that run as other users.
  - DAC_READ_SEARCH
  # Writes the node's log, state and seccomp folders, whoever owns them.
  - DAC_OVERRIDE
  # A rotated violation log keeps its owner ...
  - CHOWN
  # ... and its mode.
  - FOWNER
  # Reads the kernel's audit records from its multicast group: AppArmor's and seccomp's denials.
  - AUDIT_READ
  # Asks the kernel how many audit records it has dropped.
  - AUDIT_CONTROL
  # Reads the same records from the kernel's log where there is no multicast group.
  - SYSLOG
  {{- if .Values.bpfLsmEnforcer.enabled }}
  # Loads the BPF programs and fills the maps of a new version.
  - BPF
  # Attaches them (they are tracing programs to the kernel) and reads back what it holds.
  - PERFMON
  # Kernels before 5.11 count maps as locked memory.
  - SYS_RESOURCE
  {{- end }}
  {{- if .Values.appArmorLsmEnforcer.enabled }}
  # Loads, replaces and removes AppArmor profiles.
  - MAC_ADMIN
  {{- end }}
  {{- /* IPC_LOCK, which values of earlier charts carry, is for kernels that SYS_RESOURCE serves as well. */}}
  {{- $own := list "SYS_ADMIN" "SYS_PTRACE" "DAC_READ_SEARCH" "DAC_OVERRIDE" "CHOWN" "FOWNER" "AUDIT_READ" "AUDIT_CONTROL" "SYSLOG"
    "BPF" "PERFMON" "SYS_RESOURCE" "MAC_ADMIN" "IPC_LOCK" }}
  {{- range dig "capabilities" "add" (list) .Values.agent.securityContext }}
  {{- if not (has . $own) }}
  # Asked for by agent.securityContext.capabilities.add.
  - {{ . }}
  {{- end }}
  {{- end }}
{{- end }}

{{- define "varmor.agent.mounts" -}}
# The kernel's list of security modules; AppArmor's profiles.
- {name: securityfs, mountPath: /sys/kernel/security}
# Every container's cgroup, by which it is bound.
- {name: cgroup, mountPath: /sys/fs/cgroup, readOnly: true}
{{- if .Values.bpfLsmEnforcer.enabled }}
# Programs and rules are pinned in the node's own BPF file system, and so outlive the agent.
- {name: bpffs, mountPath: /sys/fs/bpf}
{{- end }}
# The container runtime tells of containers.
- {name: containerd, mountPath: {{ dir .Values.agent.containerdSocket }}, readOnly: true}
{{- with .Values.agent.nriSocket }}
# It waits with each of them until it is bound.
- {name: nri, mountPath: {{ dir . }}, readOnly: true}
{{- end }}
# Where the runtime reads seccomp profiles from.
- {name: seccomp, mountPath: {{ .Values.agent.seccompDir }}}
# The profiles in force, for a restart without the manager.
- {name: state, mountPath: /var/lib/varmor}
# Where audit records are, on nodes whose kernel has no multicast group for them.
- {name: logs, mountPath: /var/log, readOnly: true}
# violations.log
- {name: varmor-logs, mountPath: /var/log/varmor}
# What proves which node this is, and what proves that the manager is ours.
- {name: token, mountPath: /var/run/secrets/tokens, readOnly: true}
- {name: authority, mountPath: /var/run/secrets/varmor, readOnly: true}
{{- end }}

{{- define "varmor.agent.volumes" -}}
- {name: securityfs, hostPath: {path: /sys/kernel/security, type: Directory}}
- {name: cgroup, hostPath: {path: /sys/fs/cgroup, type: Directory}}
{{- if .Values.bpfLsmEnforcer.enabled }}
- {name: bpffs, hostPath: {path: /sys/fs/bpf, type: Directory}}
{{- end }}
- {name: containerd, hostPath: {path: {{ dir .Values.agent.containerdSocket }}, type: Directory}}
{{- with .Values.agent.nriSocket }}
- {name: nri, hostPath: {path: {{ dir . }}, type: DirectoryOrCreate}}
{{- end }}
- {name: seccomp, hostPath: {path: {{ .Values.agent.seccompDir }}, type: DirectoryOrCreate}}
- {name: state, hostPath: {path: /var/lib/varmor, type: DirectoryOrCreate}}
- {name: logs, hostPath: {path: /var/log, type: Directory}}
- {name: varmor-logs, hostPath: {path: /var/log/varmor, type: DirectoryOrCreate}}
- name: token
  projected:
    defaultMode: 0400
    sources:
      - serviceAccountToken: {path: bound-token, expirationSeconds: 7200, audience: {{ include "varmor.audience" . }}}
- name: authority
  secret:
    # The first manager makes it, within seconds; until then the kubelet tries again. Were it optional, a file that comes
    # later would show only with the kubelet's next look after the pod, a minute or more.
    secretName: {{ include "varmor.secret.ca" . }}
    items: [{key: rootCA.crt, path: rootCA.crt}]
{{- end }}

{{- define "varmor.agent.arguments" -}}
{{- $v := .Values }}
{{- include "varmor.flags" (dict "where" "agent.args" "flags" $v.agent.args) }}
{{- if $v.bpfLsmEnforcer.enabled }}
{{- include "varmor.flags" (dict "where" "agent.bpfLsmEnforcer.args" "flags" $v.agent.bpfLsmEnforcer.args) }}
{{- else }}
- "--bpf=false"
{{- end }}
{{- if not $v.appArmorLsmEnforcer.enabled }}
- "--apparmor=false"
{{- end }}
- {{ printf "--manager=%s" ($v.agent.network.managerAddress | default (printf "tls://%s:%v" (include "varmor.status.host" .) $v.manager.network.statusPort)) | quote }}
- {{ printf "--tls-server-name=%s" (include "varmor.status.host" .) | quote }}
- "--tls-ca=/var/run/secrets/varmor/rootCA.crt"
- "--token-file=/var/run/secrets/tokens/bound-token"
- {{ printf "--install-namespace=%s" (include "varmor.namespace" .) | quote }}
- {{ printf "--containerd-socket=%s" $v.agent.containerdSocket | quote }}
- {{ printf "--nri-socket=%s" $v.agent.nriSocket | quote }}
- {{ printf "--seccomp-dir=%s" $v.agent.seccompDir | quote }}
- {{ printf "--apparmor-jobs=%v" $v.agent.appArmorJobs | quote }}
- {{ printf "--log-level=%s" $v.agent.logLevel | quote }}
{{- end }}
