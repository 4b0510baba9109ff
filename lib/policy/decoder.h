/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From trees to structs: a schema is one table per object, with a row per field: its name, how it
 * is decoded and where it goes. The decoder walks the tree once and reports everything that is
 * wrong, each finding with the field's path, what stands there, what is allowed and the nearest
 * known word.
 *
 * All functions return 0 or -ENOMEM; what is wrong with the document is not a failure of theirs but
 * a finding. A value with a finding leaves its place in the struct as it was (empty); so a struct
 * is only to be used when there were no findings. What is put into a struct is owned by it at once:
 * freeing a half-filled struct in the ordinary way is always right.
 */
#include "lib/buf.h"
#include "lib/policy/node.h"
#include "lib/policy/words.h"

struct findings;
struct decoder;
struct field;
struct labels;
struct object_checks;

/* Decodes the value of field f into *object. */
typedef int (*decode_function)(struct decoder *d, const struct node *value, const struct field *f,
                               void *object);

struct field {
    const char *name;
    decode_function decode;
    size_t offset;     /* of the member that takes the value */
    size_t also;       /* of a second member: a list's count, or the flag that says "was given" */
    const void *param; /* what decode needs: struct schema, struct words, struct number */
    bool required;
};

struct schema {
    const struct field *fields;
    size_t n_fields;
    size_t size;      /* of the struct */
    bool lenient;     /* fields without a row are none of our business: not a finding */
    bool has_at;      /* it has a struct policy_position, at */
    size_t at_offset; /* this place */
    /* What one field alone cannot tell; NULL: nothing. Runs when all fields have been decoded,
     * whatever was found in them: asks the tree, not the struct, for what was given. */
    int (*check)(struct decoder *d, const struct node *map, void *object);
};

struct number { /* an integer's range and its member's size */
    int64_t min;
    uint64_t max;
    size_t size;      /* of the member: 2, 4 or 8 bytes */
    const char *what; /* "a port" */
};

struct decoder {
    struct findings *findings;          /* borrowed */
    const struct object_checks *checks; /* borrowed; NULL: none (object.h) */
    struct buf path;                    /* of the value that is being decoded: "spec.target.name" */
};

#define DECODER_PATH_MAX 65536 /* depth and length of names bound it well below */
#define DECODER_INIT(f)  ((struct decoder){.findings = (f), .path = BUF_INIT(DECODER_PATH_MAX)})
#define CLEANUP_DECODER  __attribute__((cleanup(decoder_done)))
void decoder_done(struct decoder *d);

/* Where a field's value goes. */
static inline void *field_member(void *object, size_t offset)
{
    return (char *)object + offset;
}

/* A finding about a value, at its position and under the current path. */
void decoder_error(struct decoder *d, const struct node *at, const char *format, ...)
    PRINTF_FORMAT(3, 4);
void decoder_warning(struct decoder *d, const struct node *at, const char *format, ...)
    PRINTF_FORMAT(3, 4);
/* The same about a field's value, child, of the object that is being decoded: under the field's
 * path. */
void decoder_error_in(struct decoder *d, const struct node *child, const char *format, ...)
    PRINTF_FORMAT(3, 4);
/* "<the node> where <expected> is expected"; nothing about a refused node. */
void decoder_mismatch(struct decoder *d, const struct node *at, const char *expected);

/* Go into a field or an element and come back: enter returns through *ret_mark what leave needs. */
int decoder_enter(struct decoder *d, const char *name, size_t *ret_mark) MUST_CHECK;
int decoder_enter_index(struct decoder *d, size_t i, size_t *ret_mark) MUST_CHECK;
int decoder_enter_key(struct decoder *d, const char *key, size_t *ret_mark) MUST_CHECK;
void decoder_leave(struct decoder *d, size_t mark);

/* The text of a scalar, borrowed; NULL with a finding if it is none. */
const char *decoder_text(struct decoder *d, const struct node *value);
/* The text of a scalar that stands for a word, whatever its type would be; NULL with a finding if
 * it is none. */
const char *decoder_word_text(struct decoder *d, const struct node *value);
/* Decodes a map into *object, which is zeroed or holds nothing to free in the schema's members. */
int decoder_struct(struct decoder *d, const struct node *value, const struct schema *schema,
                   void *object);
/* An integer within the range; *ret_given is false if there was a finding. */
void decoder_number(struct decoder *d, const struct node *value, const struct number *number,
                    uint64_t *ret, bool *ret_given);
/* The OR of a list of words, and of their reverse bits. An empty list is a finding if may_be_empty
 * is false. */
int decoder_words(struct decoder *d, const struct node *value, const struct words *words,
                  bool may_be_empty, uint64_t *ret_value, uint64_t *ret_reverse);

/* The decode functions that are of use to more than one schema. */
int decode_text(struct decoder *d, const struct node *value, const struct field *f, void *object);
int decode_filled_text(struct decoder *d, const struct node *value, const struct field *f,
                       void *object); /* a text that is not empty */
int decode_flag(struct decoder *d, const struct node *value, const struct field *f, void *object);
int decode_number(struct decoder *d, const struct node *value, const struct field *f,
                  void *object); /* param: struct number; *also, if not 0: bool, was given */
int decode_word(struct decoder *d, const struct node *value, const struct field *f,
                void *object); /* one word into an unsigned (or an enum); param: struct words */
int decode_object(struct decoder *d, const struct node *value, const struct field *f,
                  void *object); /* param: struct schema */
int decode_list(struct decoder *d, const struct node *value, const struct field *f,
                void *object); /* of objects; param: struct schema; *also: size_t, the count */
int decode_texts(struct decoder *d, const struct node *value, const struct field *f,
                 void *object); /* into a struct policy_texts; none of them empty */
int decode_filled_texts(struct decoder *d, const struct node *value, const struct field *f,
                        void *object); /* the same, at least one */
int decode_ignored(struct decoder *d, const struct node *value, const struct field *f,
                   void *object);
