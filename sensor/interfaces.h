/* interfaces.h - what the kernel says of the interfaces: packets that they drop, and whether they are up.
 *
 * Read from the files of sysfs, which are 64 bits wide: libpcap's own number has 32, and leaves out
 * what many drivers count under rx_dropped alone. One interface drops
 *
 *     rx_dropped + max(rx_missed_errors, rx_fifo_errors)
 *
 * The kernel keeps the first two apart (linux/if_link.h); what did not fit into the device's own
 * buffers drivers count as missed, as fifo, or the same packets as both, which must not be added.
 * Frames that came damaged are in none of them.
 */
#ifndef MAILSEAL_INTERFACES_H
#define MAILSEAL_INTERFACES_H

#include <stdbool.h>
#include <stdint.h>

#define INTERFACES_SYSFS "/sys/class/net"

struct interfaces;

/* What the counters show now is where counting begins. top: the folder that has one for each
 * interface. The strings are borrowed for the life of the result. Never NULL. */
struct interfaces *interfaces_new(const char *top, const char *const *names, unsigned n);
void interfaces_free(struct interfaces *s);

/* Packets that all of them dropped since the beginning; never less than before. An interface
 * without counters, such as "any" or one that is gone, adds nothing. A counter that went back, as
 * after a reload of the driver, began anew: what it shows was added since. */
uint64_t interfaces_dropped(struct interfaces *s);

/* Hands out each that went down or came up since the last call, before the first of which all were
 * taken to be up. Up is what is up and has a carrier; of what has no word on that nothing is said. */
typedef void interfaces_cb(void *ctx, const char *name, bool up);
void interfaces_links(struct interfaces *s, interfaces_cb *cb, void *ctx);

#endif
