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

/* What a value looks like, for whoever describes it (custom_resource.h). */
enum shape {
    SHAPE_NONE, /* not described: read from kinds that are not ours, or not read at all */
    SHAPE_TEXT,
    SHAPE_TIME, /* a text: RFC 3339 */
    SHAPE_FLAG,
    SHAPE_NUMBER, /* param: struct number */
    SHAPE_WORD,   /* param: struct words */
    SHAPE_OBJECT, /* param: struct schema */
    SHAPE_MAP,    /* any keys, with texts */
};

/* How values of a kind are read and what they look like: stated here once for all fields of the
 * kind. Bytes count in the decoder, characters in an API server. */
struct value_type {
    decode_function decode; /* NULL: varmor writes such values and does not read them */
    enum shape shape;
    bool list;                       /* a list of values of the shape */
    bool atomic;                     /* an object that has one owner, whoever wrote which field */
    unsigned min_items, max_items;   /* of the list, or pairs of the map; 0: no such limit */
    unsigned min_length, max_length; /* of the text, or of each text; 0: no such limit */
    const char *pattern;             /* of the text, or of each text; NULL: none */
    const void *param;               /* of fields that give none */
};

struct field {
    const char *name;
    const struct value_type *type;
    size_t offset;     /* of the member that takes the value */
    size_t also;       /* of a second member: a list's count, or the flag that says "was given" */
    const void *param; /* what decode needs: struct schema, struct words, struct number */
    bool required;
    const char *help;      /* one or two sentences for `kubectl explain` and the documents */
    unsigned max_items;    /* of this list; 0: the type's */
    const char *list_keys; /* a list whose items these fields tell apart: "name" or "a,b" */
};

/* What check() refuses, said once more in CEL, so that an API server refuses it at once. */
struct schema_rule {
    const char *rule;       /* of the object; the rule is kept where it is true */
    const char *message;    /* NULL: the expression tells */
    const char *expression; /* CEL that makes the message; NULL: there is one */
    const char *field;      /* where the finding points to, ".name"; NULL: the object */
};

struct schema {
    const struct field *fields;
    size_t n_fields;
    const struct schema_rule *rules;
    size_t n_rules;
    size_t size;      /* of the struct */
    bool lenient;     /* fields without a row are none of our business: not a finding */
    bool has_at;      /* it has a struct policy_position, at */
    size_t at_offset; /* this place */
    /* What one field alone cannot tell; NULL: nothing. Runs when all fields have been decoded,
     * whatever was found in them: asks the tree, not the struct, for what was given. */
    int (*check)(struct decoder *d, const struct node *map, void *object);
};

#define DECODER_MAX_ITEMS 10000 /* of any list of a policy */
#define DECODER_MAX_WORDS 256   /* of a list of words */
#define DECODER_MAX_TEXT  4096  /* bytes of an item of a list of texts: names and paths */

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
/* Is it a list, not longer than f allows? False with a finding if not. */
bool decoder_list(struct decoder *d, const struct node *value, const struct field *f,
                  const char *expected);
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

/* The longest list that a field takes; 0: any. */
unsigned field_max_items(const struct field *f);
/* The param of a field: its own, else its type's. */
const void *field_param(const struct field *f);

/* The decode functions that others build on. */
int decode_text(struct decoder *d, const struct node *value, const struct field *f, void *object);
int decode_filled_text(struct decoder *d, const struct node *value, const struct field *f,
                       void *object); /* a text that is not empty */
int decode_word(struct decoder *d, const struct node *value, const struct field *f,
                void *object); /* one word into an unsigned (or an enum); param: struct words */
int decode_texts(struct decoder *d, const struct node *value, const struct field *f,
                 void *object); /* into a struct policy_texts; none of them empty */

/* The types that are of use to more than one schema. */
extern const struct value_type text_type;        /* char * */
extern const struct value_type filled_text_type; /* the same, not empty */
extern const struct value_type flag_type;        /* bool */
extern const struct value_type number_type;      /* param: struct number; *also: bool, was given */
extern const struct value_type word_type;        /* unsigned or an enum; param: struct words */
extern const struct value_type object_type;      /* param: struct schema */
extern const struct value_type list_type;  /* of objects; param: struct schema; *also: the count */
extern const struct value_type texts_type; /* struct policy_texts; none of them empty */
extern const struct value_type filled_texts_type; /* the same, at least one */
extern const struct value_type ignored_type;
