/* The reading of a message, once it is out of its frame; private to this folder. */
#ifndef HAR_MESSAGE_H
#define HAR_MESSAGE_H

#include "har_cbor.h"
#include "har_wire.h"

/* Fill frame->kind and what it holds. channels: of the last session info, 0 before the first; a good one sets it. */
har_status har_read_message(cbor_reader message, har_frame *frame, uint8_t *channels);

#endif
