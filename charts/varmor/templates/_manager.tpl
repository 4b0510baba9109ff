{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{- define "varmor.manager.arguments" -}}
{{- $v := .Values }}
{{- $m := $v.manager }}
{{- include "varmor.flags" (dict "where" "manager.args" "flags" $m.args) }}
{{- range $switch := list "bpfLsmEnforcer" "podServiceEgressControl" "restartExistWorkloads" "bpfExclusiveMode" "metrics" }}
{{- if (get $v $switch).enabled }}
{{- include "varmor.flags" (dict "where" (printf "manager.%s.args" $switch) "flags" (get $m $switch).args) }}
{{- end }}
{{- end }}
- "--kubernetes"
- "--status-service=varmor-status-svc"
- {{ printf "--owner-cluster-role=%s" (include "varmor.manager.name" .) | quote }}
- {{ printf "--listen=tls://0.0.0.0:%v" $m.network.statusPort | quote }}
# For `kubectl exec deployment/varmor-manager -- varmorctl get nodes`.
- "--listen=unix:/run/varmor/manager.sock"
- {{ printf "--webhook-listen=0.0.0.0:%v" $m.network.webhookPort | quote }}
{{- if $v.metrics.enabled }}
- {{ printf "--metrics-listen=0.0.0.0:%v" $m.network.metricsPort | quote }}
{{- end }}
- {{ printf "--webhook-match-label=%s" $m.webhook.matchLabel | quote }}
{{- if not $v.restartExistWorkloads.enabled }}
- "--restart-existing-workloads=false"
{{- end }}
- {{ printf "--install-namespace=%s" (include "varmor.namespace" .) | quote }}
- {{ printf "--agent-audience=%s" (include "varmor.audience" .) | quote }}
- {{ printf "--agent-service-account=%s" (include "varmor.agent.serviceAccount" .) | quote }}
- {{ printf "--log-level=%s" $m.logLevel | quote }}
{{- end }}
