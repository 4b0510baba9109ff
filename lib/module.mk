$(call archive,base,lib,error.c buf.c counted_text.c log.c map.c digest.c json_text.c json_number.c json_value.c utf8.c addr.c profile.c options.c loop.c backoff.c arena.c)
