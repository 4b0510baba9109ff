{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
varmor.flags (dict "flags" LIST "where" "manager.args"): the arguments as a YAML list. Flags that varmor's earlier charts
carry are translated ("--webhookMatchLabel=x" is "--webhook-match-label=x"), left out where what they ask for is so
anyway, or refused with the reason; others are passed on as they are.
*/}}
{{- define "varmor.flags" -}}
{{- $renamed := dict
  "webhookMatchLabel" "webhook-match-label"
  "bpfExclusiveMode" "bpf-exclusive-mode"
  "restartExistWorkloads" "restart-existing-workloads"
  "kubeconfig" "kubeconfig"
  "auditLogPaths" "audit-log-paths" -}}
{{- $left_out := list "logFormat" "enableBpfEnforcer" "enablePodServiceEgressControl" "enableServiceEgressControl"
  "enablePodEgressControl" "enableMetrics" "clientRateLimitQPS" "clientRateLimitBurst" "statusUpdateCycle" -}}
{{- $refused := dict
  "agent" "manager and agent are programs of their own"
  "enableBehaviorModeling" "this version has no behavior models"
  "unloadAllAaProfiles" "what is in force stays in force when an agent stops (see uninstall.removePolicies)"
  "removeAllSeccompProfiles" "what is in force stays in force when an agent stops (see uninstall.removePolicies)"
  "webhookTimeout" "the webhook's timeout is fixed"
  "managerIP" "the manager listens on every address of its pod"
  "preDelete" "see uninstall.removePolicies" -}}
{{- $where := .where -}}
{{- range $flag := .flags }}
{{- $name := regexReplaceAll "^--?([A-Za-z]+)(=.*)?$" $flag "${1}" }}
{{- $value := regexReplaceAll "^[^=]*(=?.*)$" $flag "${1}" }}
{{- if hasKey $renamed $name }}
- {{ printf "--%s%s" (get $renamed $name) $value | quote }}
{{- else if hasKey $refused $name }}
{{- fail (printf "%s: %s is not a flag any more: %s" $where $flag (get $refused $name)) }}
{{- else if or (eq $name "debug") (and (has $name (list "v" "verbosity")) (ge (trimPrefix "=" $value | int) 2)) }}
- "--log-level=debug"
{{- else if not (or (has $name $left_out) (has $name (list "v" "verbosity"))) }}
- {{ $flag | quote }}
{{- end }}
{{- end }}
{{- end }}
