/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Objects of the Kubernetes API in its own protobuf encoding -> struct object: the border behind which no generated type
 * is named.
 *
 * Decoding is by nanopb with a ceiling on every text (kubernetes/kubernetes.options); what we do not need is skipped and
 * never stored, so that a decoded object is at most a small multiple of its message. What counts is decided as for
 * manifests in files (lib/policy/manifest.h): pods that have finished or use the node's network have no addresses,
 * "None" is no address, a slice of domain names has none.
 *
 * No I/O, no logging.
 */
#include "lib/error.h"
#include "lib/policy/object.h"

/* Of one object; the API allows a slice 1,000 endpoints of 100 addresses each. */
#define KUBERNETES_MAX_ADDRESSES 100000

/* True if objects of this kind can be decoded here. */
bool kubernetes_decodes(enum object_kind kind);

/* Decodes one message: the item of a list, or what stands in the envelope of a single object. *ret is to be given back
 * with object_done(), and is written on success only. 0, -ENOMEM, or -EBADMSG with *reterr: no such message, or
 * something in it that the API server's own checks rule out. */
int kubernetes_decode(struct object *ret, enum object_kind kind, const uint8_t *data, size_t len,
                      struct error **reterr);
