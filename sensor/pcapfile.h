/* pcapfile.h - classic capture files, read in large pieces, packets in place.
 *
 * libpcap copies each packet out of pieces of 4 KiB, which costs more than most of what is done
 * with it afterwards. This reads version 2.4 in either byte order, with micro- or nanoseconds, and
 * fails where libpcap would; whatever else there is stays libpcap's. Knows no libpcap.
 */
#ifndef MAILSEAL_PCAPFILE_H
#define MAILSEAL_PCAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sensor/frame.h"

struct pcapfile;

/* fd: a regular file, which stays the caller's; read from its beginning, wherever it stands.
 * snaplen: longer packets are cut to it. NULL: the file is of another kind, or there is no memory. */
struct pcapfile *pcapfile_open(int fd, uint32_t snaplen);
void pcapfile_close(struct pcapfile *f);

enum pcapfile_read {
	PCAPFILE_PACKETS,
	PCAPFILE_END,
	PCAPFILE_FAILED /* it breaks off, or cannot be read: pcapfile_error() */
};

/* Reads the next packet, and those behind it that are in memory already: *n of them, at most max.
 * *n is 0 unless PACKETS. Their bytes are borrowed until more are read; the fraction of a second always
 * stays below one. Link and interface are the caller's. */
enum pcapfile_read pcapfile_next(struct pcapfile *f, struct frame *out, unsigned max, unsigned *n);

/* Overwrites all that was read: nothing of it is borrowed any more. */
void pcapfile_forget(struct pcapfile *f);

const char *pcapfile_error(const struct pcapfile *f);

/* Bytes of the file up to the packet that comes next. */
uint64_t pcapfile_position(const struct pcapfile *f);

#endif
