$(call archive,rpc,lib/rpc,grpc.c grpc_header.c header_list.c message_reader.c inbox.c outbox.c \
        h2.c tls_context.c transport.c connection.c listener.c server_connection.c server_call.c \
        grpc_server.c client_call.c dialer.c client_link.c \
        grpc_client.c)
