/* ndpi_api.h - what sensor/classify.c uses of libndpi, as its versions declare it.
 *
 * Debian has no libndpi but 4.2. So that classify.c is known to compile with those that change the
 * interface, this stands in for their header: it declares what their documents and their header say,
 * and nothing else. NDPI_MAJOR and NDPI_MINOR, on the command line, choose. Nothing can be linked.
 *
 *   4.6   process_packet() takes what is known of the flow; the bitmask call returns int
 *   4.10  init takes a global context, finalize returns int, ndpi_set_config() replaces preferences
 *   4.12  the two protocols of a result moved to a struct of their own
 *   5.0   no bitmask: every protocol is on, ndpi_set_config() switches it; the result has a state
 */
#ifndef NDPI_API_H
#define NDPI_API_H

#include <stdint.h>

#define NDPI_IS_SINCE(major, minor) \
	(NDPI_MAJOR > (major) || (NDPI_MAJOR == (major) && NDPI_MINOR >= (minor)))

typedef enum {
	NDPI_PROTOCOL_UNKNOWN = 0,
	NDPI_PROTOCOL_FTP_CONTROL = 1,
	NDPI_PROTOCOL_MAIL_POP = 2,
	NDPI_PROTOCOL_MAIL_SMTP = 3,
	NDPI_PROTOCOL_MAIL_IMAP = 4,
	NDPI_PROTOCOL_MAIL_POPS = 23,
	NDPI_PROTOCOL_MAIL_SMTPS = 29,
	NDPI_PROTOCOL_MAIL_IMAPS = 51,
	NDPI_PROTOCOL_IRC = 65,
	NDPI_PROTOCOL_REDIS = 182,
} ndpi_protocol_id_t;

typedef enum { NDPI_CONFIDENCE_UNKNOWN, NDPI_CONFIDENCE_DPI } ndpi_confidence_t;

struct ndpi_detection_module_struct;

struct ndpi_flow_struct {
	uint16_t detected_protocol_stack[2];
	ndpi_confidence_t confidence;
};
#define SIZEOF_FLOW_STRUCT (sizeof(struct ndpi_flow_struct))

#if NDPI_IS_SINCE(4, 12)
typedef struct {
	uint16_t master_protocol, app_protocol;
} ndpi_master_app_protocol;

typedef struct ndpi_proto {
	ndpi_master_app_protocol proto;
	uint16_t protocol_by_ip;
} ndpi_protocol;
#else
typedef struct ndpi_proto {
	uint16_t master_protocol, app_protocol;
} ndpi_protocol;
#endif

#if NDPI_IS_SINCE(4, 10)
struct ndpi_global_context;

typedef enum { NDPI_CFG_INVALID_CONTEXT = -1, NDPI_CFG_OK = 0 } ndpi_cfg_error;

struct ndpi_detection_module_struct *ndpi_init_detection_module(struct ndpi_global_context *g_ctx);
int ndpi_finalize_initialization(struct ndpi_detection_module_struct *m);
ndpi_cfg_error ndpi_set_config(struct ndpi_detection_module_struct *m, const char *proto,
			       const char *param, const char *value);
#else
typedef enum { ndpi_no_prefs } ndpi_init_prefs;

struct ndpi_detection_module_struct *ndpi_init_detection_module(ndpi_init_prefs prefs);
void ndpi_finalize_initialization(struct ndpi_detection_module_struct *m);
#endif

#if !NDPI_IS_SINCE(5, 0)
typedef struct {
	uint32_t fds_bits[16];
} NDPI_PROTOCOL_BITMASK;
#define NDPI_BITMASK_RESET(p)  ((p) = (NDPI_PROTOCOL_BITMASK){ { 0 } })
#define NDPI_BITMASK_ADD(p, n) ((p).fds_bits[(n) / 32] |= (1u << ((n) % 32)))
#if NDPI_IS_SINCE(4, 6)
int
#else
void
#endif
ndpi_set_protocol_detection_bitmask2(struct ndpi_detection_module_struct *m,
				     const NDPI_PROTOCOL_BITMASK *mask);
#endif

#if NDPI_IS_SINCE(4, 6)
struct ndpi_flow_input_info;

ndpi_protocol ndpi_detection_process_packet(struct ndpi_detection_module_struct *m,
					    struct ndpi_flow_struct *flow,
					    const unsigned char *packet,
					    const unsigned short packetlen,
					    const uint64_t packet_time_ms,
					    struct ndpi_flow_input_info *input_info);
#else
ndpi_protocol ndpi_detection_process_packet(struct ndpi_detection_module_struct *m,
					    struct ndpi_flow_struct *flow,
					    const unsigned char *packet,
					    const unsigned short packetlen,
					    const uint64_t packet_time_ms);
#endif

void ndpi_free_flow_data(struct ndpi_flow_struct *flow);
void ndpi_exit_detection_module(struct ndpi_detection_module_struct *m);

#endif
