/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/descriptor_files.h"

#include <errno.h>
#include <string.h>

/* Field numbers of google/protobuf/descriptor.proto. Every named thing there has its name in
 * field 1. */
enum {
    SET_FILE = 1,
    ANY_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    FILE_EXTENSION = 7,
    MESSAGE_FIELD = 2,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    MESSAGE_EXTENSION = 6,
    MESSAGE_ONEOF = 8,
    ENUM_VALUE = 2,
    SERVICE_METHOD = 2,
};

/* The length-delimited field of that number, the last one if there are several, or nothing. */
static struct pb_bytes descriptor_field(struct pb_bytes message, uint32_t number)
{
    struct pb_bytes found = {};
    struct pb_field f;

    while (pb_fields_next(&message, &f) == PB_FIELDS_ONE)
        if (f.number == number && f.is_bytes)
            found = f.bytes;
    return found;
}

/* If path is name, or begins with name and a dot: the rest of path in *ret (empty at its end). */
static bool descriptor_step(struct pb_bytes path, struct pb_bytes name, struct pb_bytes *ret)
{
    if (name.len == 0 || path.len < name.len || memcmp(path.data, name.data, name.len) != 0)
        return false;
    if (path.len == name.len) {
        *ret = (struct pb_bytes){};
        return true;
    }
    if (path.data[name.len] != '.')
        return false;
    *ret = (struct pb_bytes){path.data + name.len + 1, path.len - name.len - 1};
    return ret->len > 0;
}

/* True if one of the things in field number of message is called path, with nothing behind it. */
static bool descriptor_names(struct pb_bytes message, uint32_t number, struct pb_bytes path)
{
    struct pb_bytes rest;
    struct pb_field f;

    while (pb_fields_next(&message, &f) == PB_FIELDS_ONE)
        if (f.number == number && f.is_bytes &&
            descriptor_step(path, descriptor_field(f.bytes, ANY_NAME), &rest) && rest.len == 0)
            return true;
    return false;
}

static bool descriptor_enum_has(struct pb_bytes e, struct pb_bytes path)
{
    struct pb_bytes rest;

    /* The values of an enum are its siblings. */
    return (descriptor_step(path, descriptor_field(e, ANY_NAME), &rest) && rest.len == 0) ||
           descriptor_names(e, ENUM_VALUE, path);
}

/* True if path names the message or something in it. Each round goes one level and one part of path
 * down. */
static bool descriptor_message_has(struct pb_bytes message, struct pb_bytes path)
{
    struct pb_bytes rest, inner;
    struct pb_field f;

    while (descriptor_step(path, descriptor_field(message, ANY_NAME), &rest)) {
        bool goes_deeper = false;

        if (rest.len == 0 || descriptor_names(message, MESSAGE_FIELD, rest) ||
            descriptor_names(message, MESSAGE_EXTENSION, rest) ||
            descriptor_names(message, MESSAGE_ONEOF, rest))
            return true;
        for (inner = message; pb_fields_next(&inner, &f) == PB_FIELDS_ONE;) {
            struct pb_bytes behind;

            if (f.number == MESSAGE_ENUM && f.is_bytes && descriptor_enum_has(f.bytes, rest))
                return true;
            if (f.number == MESSAGE_NESTED && f.is_bytes && !goes_deeper &&
                descriptor_step(rest, descriptor_field(f.bytes, ANY_NAME), &behind)) {
                goes_deeper = true;
                message = f.bytes;
            }
        }
        if (!goes_deeper)
            return false;
        path = rest;
    }
    return false;
}

static bool descriptor_service_has(struct pb_bytes service, struct pb_bytes path)
{
    struct pb_bytes rest;

    return descriptor_step(path, descriptor_field(service, ANY_NAME), &rest) &&
           (rest.len == 0 || descriptor_names(service, SERVICE_METHOD, rest));
}

static bool descriptor_file_has(struct pb_bytes file, struct pb_bytes path)
{
    struct pb_bytes package = descriptor_field(file, FILE_PACKAGE);
    struct pb_field f;

    if (package.len > 0 && !descriptor_step(path, package, &path))
        return false;
    if (path.len == 0)
        return false; /* a package is no symbol */
    if (descriptor_names(file, FILE_EXTENSION, path))
        return true;
    while (pb_fields_next(&file, &f) == PB_FIELDS_ONE) {
        if (!f.is_bytes)
            continue;
        if ((f.number == FILE_MESSAGE && descriptor_message_has(f.bytes, path)) ||
            (f.number == FILE_ENUM && descriptor_enum_has(f.bytes, path)) ||
            (f.number == FILE_SERVICE && descriptor_service_has(f.bytes, path)))
            return true;
    }
    return false;
}

int descriptor_files_check(struct pb_bytes set)
{
    struct pb_field file, f;
    int r;

    while ((r = pb_fields_next(&set, &file)) == PB_FIELDS_ONE) {
        if (file.number != SET_FILE || !file.is_bytes)
            return -EBADMSG;
        while ((r = pb_fields_next(&file.bytes, &f)) == PB_FIELDS_ONE)
            continue;
        if (r < 0)
            return r;
    }
    return r;
}

bool descriptor_files_by_name(struct pb_bytes set, struct pb_bytes name, struct pb_bytes *ret)
{
    struct pb_field file;

    while (pb_fields_next(&set, &file) == PB_FIELDS_ONE) {
        if (pb_bytes_equal(descriptor_field(file.bytes, ANY_NAME), (const char *)name.data,
                           name.len)) {
            *ret = file.bytes;
            return true;
        }
    }
    return false;
}

bool descriptor_files_by_symbol(struct pb_bytes set, struct pb_bytes symbol, struct pb_bytes *ret)
{
    struct pb_field file;

    if (symbol.len > 0 && symbol.data[0] == '.') {
        symbol.data++;
        symbol.len--;
    }
    while (symbol.len > 0 && pb_fields_next(&set, &file) == PB_FIELDS_ONE) {
        if (descriptor_file_has(file.bytes, symbol)) {
            *ret = file.bytes;
            return true;
        }
    }
    return false;
}
