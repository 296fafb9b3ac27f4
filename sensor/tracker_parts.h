/* tracker_parts.h - what the files of tracker.c share. For them only. */
#ifndef MAILSEAL_TRACKER_PARTS_H
#define MAILSEAL_TRACKER_PARTS_H

#include <stdbool.h>

#include "sensor/conf.h"
#include "sensor/decode.h"
#include "sensor/session.h"

/* Says what it may be. False: not mail. On a mail port that is what is plainly something else;
 * elsewhere what is neither text nor TLS. */
bool tracker_may_be_mail(const struct mail_port *port, const struct packet *p,
			 struct session_start *start);

#endif
