/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keeps the two webhook configurations at the API server right: the leader makes them, watches them by
 * name, and puts back what somebody changes or removes, by server-side apply. Nothing is removed when
 * the manager ends: its replicas go on answering, and what the chart owns goes with the release.
 *
 * Who changes them again and again is answered more and more slowly: another manager with other
 * settings may be at it.
 */
#include "lib/error.h"
#include "manager/webhook_configuration.h"

struct kube_client;
struct loop;
struct webhook_registration; /* opaque */

/* Copies the settings. Does nothing until there is an authority and this manager leads. 0, -ENOMEM, or
 * -EINVAL with *reterr (settings that make no configuration). */
int webhook_registration_new(struct webhook_registration **ret, struct loop *loop,
                             struct kube_client *client, const struct webhook_settings *settings,
                             struct error **reterr);
/* Accepts NULL, returns NULL. */
struct webhook_registration *webhook_registration_free(struct webhook_registration *r);
DEFINE_CLEANUP(struct webhook_registration *, webhook_registration_free)

/* What the API server is to believe (PEM), copied. 0 or -ENOMEM. */
int webhook_registration_set_authority(struct webhook_registration *r, const char *authority);
void webhook_registration_set_leader(struct webhook_registration *r, bool leads);
