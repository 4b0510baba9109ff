/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The generated form of a profile, for codecs of messages that carry one. Internal to proto/. */
#include "lib/error.h"
#include "lib/profile.h"
#include "varmor/v1/profile.pb-c.h"

/* Checks and copies, including the digest; see profile_decode(). */
int profile_unpack(struct profile **ret, const Varmor__V1__ArmorProfile *in, struct error **reterr);
