# gRPC over HTTP/2. The descriptors of the two standard services are made from protos/ for reflection.
RPC_PROTOS := grpc/health/v1/health.proto grpc/reflection/v1/reflection.proto

$(GEN)/lib/rpc/standard_descriptors.c: $(RPC_PROTOS:%=lib/rpc/protos/%)
	$(call say,PROTO,$@)
	$(Q)mkdir -p $(@D)
	$(Q)protoc --proto_path=lib/rpc/protos --descriptor_set_out=$(@:.c=.bin) $(RPC_PROTOS)
	$(Q){ echo '#include "lib/rpc/standard_descriptors.h"'; \
	      echo 'const unsigned char standard_descriptors_bytes[] = {'; \
	      od -An -v -tu1 $(@:.c=.bin) | sed 's/  */,/g; s/^,//; s/$$/,/'; \
	      echo '};'; \
	      echo 'const unsigned long standard_descriptors_size = sizeof(standard_descriptors_bytes);'; } > $@

EXTRA_OBJECTS_rpc := $(B)/gen/lib/rpc/standard_descriptors.o
$(call archive,rpc,lib/rpc,grpc.c grpc_header.c header_list.c message_reader.c inbox.c outbox.c \
        h2.c h2_events.c tls_context.c transport.c connection.c dialer.c listener.c pb_fields.c descriptor_files.c \
        reflection.c health.c server_connection.c server_call.c grpc_server.c client_link.c client_call.c \
        grpc_client.c bearer_token.c)
