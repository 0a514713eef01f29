#include "h2.h"

static const char *const error_names[] = { "NO_ERROR",
					   "PROTOCOL_ERROR",
					   "INTERNAL_ERROR",
					   "FLOW_CONTROL_ERROR",
					   "SETTINGS_TIMEOUT",
					   "STREAM_CLOSED",
					   "FRAME_SIZE_ERROR",
					   "REFUSED_STREAM",
					   "CANCEL",
					   "COMPRESSION_ERROR",
					   "CONNECT_ERROR",
					   "ENHANCE_YOUR_CALM",
					   "INADEQUATE_SECURITY",
					   "HTTP_1_1_REQUIRED" };

/* By id; 7 was never given out. */
static const char *const setting_names[] = { NULL,
					     "SETTINGS_HEADER_TABLE_SIZE",
					     "SETTINGS_ENABLE_PUSH",
					     "SETTINGS_MAX_CONCURRENT_STREAMS",
					     "SETTINGS_INITIAL_WINDOW_SIZE",
					     "SETTINGS_MAX_FRAME_SIZE",
					     "SETTINGS_MAX_HEADER_LIST_SIZE",
					     NULL,
					     "SETTINGS_ENABLE_CONNECT_PROTOCOL",
					     "SETTINGS_NO_RFC7540_PRIORITIES" };

const char *
h2_error_name(uint32_t code)
{
	return code < sizeof error_names / sizeof *error_names ? error_names[code] : NULL;
}

const char *
h2_setting_name(uint16_t id)
{
	return id < sizeof setting_names / sizeof *setting_names ? setting_names[id] : NULL;
}

const char *
h2_fault_code(enum h2_fault fault)
{
	switch (fault) {
	case H2_NOT_H2: return "h2.not_h2";
	case H2_PROTOCOL_ERROR: return "h2.protocol_error";
	case H2_FLOOD: return "h2.flood";
	case H2_GOAWAY:
	case H2_REFUSED: return "h2.goaway";
	case H2_RESET: return "h2.reset";
	case H2_NO_MEMORY:
	case H2_BUSY: return "local.limit";
	case H2_OK:
	case H2_BAD_FIELD: break;
	}
	return NULL;
}

const char *
h2_stream_code(const struct h2_stream *stream)
{
	if (stream->reset)
		return "h2.reset";
	if (stream->refused)
		return "h2.goaway";
	if (stream->too_large)
		return "http.too_large";
	return stream->malformed ? "http.bad_reply" : NULL;
}
