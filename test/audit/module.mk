$(call archive,record_file,test/audit,record_file.c)
