/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Channel: runs commands in a virtual machine, over a virtio-serial port that
 * no network reaches.
 *
 * Both ends speak frames: a fixed header, then at most CHANNEL_PAYLOAD_MAX
 * bytes. The host sends one request (a command with its environment) and what
 * the command shall read; the guest answers that it has started, what the
 * command wrote, and how it ended. A port serves one command at a time; a
 * machine has several ports, so that several commands can run at once.
 *
 * Both ends run on one architecture and are built from one tree, so numbers
 * travel in host order.
 *
 * A port outlives its clients, and one may be killed at any byte. So each frame
 * carries the number of its request, and what is left over for another is
 * dropped; and a client begins with a frame of nothing, long enough to end
 * whatever frame its predecessor left unfinished. For the guest to see a new
 * client at once it must never stop reading: the host sends no more input than
 * the guest has room for, CHANNEL_WINDOW bytes, and then as much as the guest
 * says that the command has taken.
 */
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_MAGIC 0x6d766376u /* "vcvm" */

/* A frame fits into one buffer of Linux' virtio console, 32 KiB. */
#define CHANNEL_PAYLOAD_MAX 32000u

/* How long a port must look closed until it counts as closed. A guest learns
 * that one client went and the next came by messages on another queue than the
 * data's: the next client's request may be there before the news that the
 * previous one has gone. */
#define CHANNEL_GRACE_MS 2000

/* Input on its way to a command. Small enough for a socket's buffer: the host's
 * writes do not wait for a guest that waits for the host to read. */
#define CHANNEL_WINDOW (4 * CHANNEL_PAYLOAD_MAX)

enum channel_type {
    CHANNEL_NONE,       /* host: nothing; see channel_begin() */
    CHANNEL_REQUEST,    /* host: strings that end in NUL: folder, how many variables,
                           those, argv */
    CHANNEL_INPUT,      /* host: bytes for the command's standard input */
    CHANNEL_INPUT_DONE, /* host: the standard input has ended */
    CHANNEL_STARTED,    /* guest: the command runs, and CHANNEL_WINDOW bytes of input
                           are welcome */
    CHANNEL_TAKEN,      /* guest: a uint32_t, so many more bytes of input are welcome
                         */
    CHANNEL_OUTPUT,     /* guest: bytes from its standard output */
    CHANNEL_ERRORS,     /* guest: bytes from its standard error */
    CHANNEL_EXIT,       /* guest: an int32_t, the exit status as a shell gives it */
    CHANNEL_TYPES,      /* how many there are */
};

struct channel_header {
    uint32_t magic;
    uint32_t id;     /* the request that this frame belongs to */
    uint32_t type;   /* an enum channel_type */
    uint32_t length; /* bytes that follow */
};

/* One end. Plain value; begins with {.fd = ...}; owns nothing. */
struct channel {
    int fd;        /* non-blocking */
    size_t n_read; /* bytes in buf */
    unsigned char buf[sizeof(struct channel_header) + CHANNEL_PAYLOAD_MAX];
};

enum channel_result {
    CHANNEL_AGAIN, /* nothing whole has come yet */
    CHANNEL_FRAME, /* *ret_header is set and buf holds the payload behind the
                      header */
    CHANNEL_GONE,  /* the other end has closed, or seems to: see CHANNEL_GRACE_MS
                    */
};

/* Reads on until one frame is whole. Skips bytes that are no frame. Returns an
 * enum channel_result, or the negative errno of read(). The frame stays valid
 * until channel_next(), which must be called before the next channel_read(). */
int channel_read(struct channel *ch, struct channel_header *ret_header);
const unsigned char *channel_payload(const struct channel *ch);
void channel_next(struct channel *ch);

/* Writes a whole frame, and waits for room. Returns 0, -EMSGSIZE, -EPIPE (the
 * other end has closed) or the negative errno of write() or poll(). */
int channel_write(struct channel *ch, uint32_t id, enum channel_type type, const void *data,
                  size_t len);

/* Ends the frame that a killed predecessor may have left unfinished. A client
 * calls it first. Returns as channel_write() does. */
int channel_begin(struct channel *ch);
