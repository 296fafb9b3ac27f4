/* tls_names.h - what the registries call the numbers of TLS.
 *
 * NULL for what has no name here. Nothing of it decides anything: it is for people who read.
 */
#ifndef MAILSEAL_TLS_NAMES_H
#define MAILSEAL_TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "TLS_AES_128_GCM_SHA256" */
const char *tls_cipher_name(int32_t code);

/* Words of the record, which names what it can and writes the number of what it cannot. */
#define TLS_NAME_MAX 64 /* room for any of them */

/* "x25519", "secp256r1", or "0x11ec" (RFC 8447, "TLS Supported Groups") */
void tls_group_text(int32_t code, char out[TLS_NAME_MAX]);
bool tls_group_parse(const char *text, int32_t *code);

/* "unknown_ca", or "200" (RFC 5246, 7.2; RFC 8446, 6) */
void tls_alert_text(int description, char out[TLS_NAME_MAX]);
bool tls_alert_parse(const char *text, int16_t *description);

#endif
