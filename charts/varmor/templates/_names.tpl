{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{- define "varmor.namespace" -}}
{{- if .Values.forceNamespace.enabled }}{{ .Values.forceNamespace.namespace }}{{ else }}{{ .Release.Namespace }}{{ end }}
{{- end }}

{{- define "varmor.manager.name" -}}varmor-{{ .Values.manager.name }}{{- end }}
{{- define "varmor.agent.name" -}}varmor-{{ .Values.agent.name }}{{- end }}

{{- define "varmor.manager.serviceAccount" -}}
{{- .Values.manager.serviceAccount.name | default (ternary (include "varmor.manager.name" .) "default" .Values.manager.serviceAccount.create) }}
{{- end }}

{{- define "varmor.agent.serviceAccount" -}}
{{- .Values.agent.serviceAccount.name | default (ternary (include "varmor.agent.name" .) "default" .Values.agent.serviceAccount.create) }}
{{- end }}

{{/* varmor.labels (dict "root" . "component" NAME): what every object carries. */}}
{{- define "varmor.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{ include "varmor.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{/* What selects the pods of a component. Never changed: a Deployment's selector cannot be. */}}
{{- define "varmor.selector" -}}
app.kubernetes.io/name: {{ .root.Values.nameOverride | default .root.Chart.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* varmor.image (dict "root" . "image" IMAGE-VALUES) */}}
{{- define "varmor.image" -}}
{{- $tag := .image.tag | default .root.Chart.AppVersion -}}
{{- $parts := list .root.Values.image.registry .root.Values.image.namespace .image.name | compact -}}
{{ join "/" $parts }}:{{ $tag }}
{{- end }}

{{- define "varmor.pullSecrets" -}}
{{- if .Values.image.password }}
imagePullSecrets: {{- toYaml .Values.imagePullSecrets | nindent 2 }}
{{- end }}
{{- end }}

{{/* The Secrets that the manager makes and keeps valid, and the names that its certificate is for. */}}
{{- define "varmor.secret.ca" -}}varmor-webhook-svc.{{ include "varmor.namespace" . }}.varmor-tls-ca{{- end }}
{{- define "varmor.secret.pair" -}}varmor-webhook-svc.{{ include "varmor.namespace" . }}.varmor-tls-pair{{- end }}
{{- define "varmor.status.host" -}}varmor-status-svc.{{ include "varmor.namespace" . }}.svc{{- end }}

{{- define "varmor.audience" -}}varmor-manager{{- end }}
