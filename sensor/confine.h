/* confine.h - what a process may still do once it has opened what it needs.
 *
 * The capture process parses hostile bytes: it keeps no capability, no root, and a system call
 * filter under which it can open nothing, connect nowhere, start nothing, signal no one, and
 * write to one descriptor only. A write to a packet socket would put a frame on the wire
 * (capabilities do not prevent that), so the filter looks at the descriptor.
 *
 * It has dropped its privileges (reports/privileges.h) before. The only place that knows libseccomp.
 */
#ifndef MAILSEAL_CONFINE_H
#define MAILSEAL_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

/* Limits, and the system call filter of the capture process, of all its threads; no thread can be made
 * afterwards. write_fd is the only descriptor that can be written to.
 *
 * Refused calls fail with EPERM instead of ending the process: to whoever has taken it over that is
 * as good as nothing, while a library that asks for something it can do without, as the next version
 * of one may, goes on, and an unforeseen call is no way to blind the sensor. The kernel logs each. */
bool confine_capture(int write_fd, char *err, size_t errlen);

#endif
