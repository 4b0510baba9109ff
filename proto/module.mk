# The messages, made from one source each into build/gen/proto; no other folder names a generated type.
PROTO_FILES := varmor/v1/profile varmor/v1/agent varmor/v1/status
PROTO_HEADERS := $(PROTO_FILES:%=$(GEN)/proto/%.pb-c.h)

CPPFLAGS += -I$(GEN)/proto $(addprefix -isystem ,$(wildcard /usr/include/nanopb))

$(GEN)/proto/%.pb-c.c $(GEN)/proto/%.pb-c.h &: proto/%.proto
	$(call say,PROTO,$<)
	$(Q)mkdir -p $(GEN)/proto
	$(Q)$(PROTOC_C) --proto_path=proto --c_out=$(GEN)/proto $<

# The file descriptors of our services as a C array, for gRPC reflection.
$(GEN)/proto/descriptor_set.c: $(PROTO_FILES:%=proto/%.proto)
	$(call say,PROTO,$@)
	$(Q)mkdir -p $(@D)
	$(Q)protoc --proto_path=proto --include_imports --descriptor_set_out=$(@:.c=.bin) $^
	$(Q){ echo '#include "proto/descriptor_set.h"'; \
	      echo 'const unsigned char descriptor_set_bytes[] = {'; \
	      od -An -v -tu1 $(@:.c=.bin) | sed 's/  */,/g; s/^,//; s/$$/,/'; \
	      echo '};'; \
	      echo 'const unsigned long descriptor_set_size = sizeof(descriptor_set_bytes);'; } > $@

proto_src := profile_codec.c agent_messages.c manager_messages.c status_items.c status_lists.c status_requests.c status_descriptions.c status_watch.c message_fields.c
EXTRA_OBJECTS_proto := $(PROTO_FILES:%=$(B)/gen/proto/%.pb-c.o) $(B)/gen/proto/descriptor_set.o
$(call archive,proto,proto,$(proto_src))
$(call objects,$(addprefix proto/,$(proto_src))) $(EXTRA_OBJECTS_proto): | $(PROTO_HEADERS)

# containerd's API, decoded by nanopb (memory bounded by containerd.options). The agent alone links it.
$(GEN)/proto/containerd/containerd.pb.c $(GEN)/proto/containerd/containerd.pb.h &: proto/containerd/containerd.proto proto/containerd/containerd.options
	$(call say,PROTO,$<)
	$(Q)mkdir -p $(GEN)/proto/containerd
	$(Q)protoc --proto_path=proto --nanopb_opt=-Iproto --nanopb_out=$(GEN)/proto containerd/containerd.proto

# Debian's nanopb is a static library without a pkg-config file; only who uses it gets anything of it.
LDFLAGS_ALL += -lprotobuf-nanopb

containerd_src := containerd_codec.c oci_spec.c pod_opt_outs.c
EXTRA_OBJECTS_containerd := $(B)/gen/proto/containerd/containerd.pb.o
$(call archive,containerd,proto,$(containerd_src))
$(call objects,$(addprefix proto/,$(containerd_src))) $(EXTRA_OBJECTS_containerd): | $(GEN)/proto/containerd/containerd.pb.h

# The Kubernetes API's objects, by nanopb too. The manager alone links it.
$(GEN)/proto/kubernetes/kubernetes.pb.c $(GEN)/proto/kubernetes/kubernetes.pb.h &: proto/kubernetes/kubernetes.proto proto/kubernetes/kubernetes.options
	$(call say,PROTO,$<)
	$(Q)mkdir -p $(GEN)/proto/kubernetes
	$(Q)protoc --proto_path=proto --nanopb_opt=-Iproto --nanopb_out=$(GEN)/proto kubernetes/kubernetes.proto

EXTRA_OBJECTS_kubernetes := $(B)/gen/proto/kubernetes/kubernetes.pb.o
$(call archive,kubernetes,proto,kubernetes_codec.c)
$(call objects,proto/kubernetes_codec.c) $(EXTRA_OBJECTS_kubernetes): | $(GEN)/proto/kubernetes/kubernetes.pb.h

GENERATED += $(GEN)/proto/kubernetes/kubernetes.pb.h
GENERATED += $(PROTO_HEADERS) $(GEN)/proto/containerd/containerd.pb.h
