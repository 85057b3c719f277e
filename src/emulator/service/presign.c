#include "emulator/service/presign.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/percent.h"
#include "base/timestamp.h"

static int sign(struct emulator *emulator, const struct request *request,
    int64_t expires_ms, unsigned epoch, char out[SIGNATURE_SIZE])
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = buf_printf(&text, "%" PRId64 "-%u\n", expires_ms, epoch);
	if (r == 0)
		r = buf_add(&text, buf_str(&request->id), request->id.len);
	if (r == 0)
		signer_sign(&emulator->signer, text.data, text.len, out);
	return r;
}

int presign_add_url(struct emulator *emulator, const struct request *request,
    int64_t expires_ms, struct buf *out)
{
	char signature[SIGNATURE_SIZE];
	unsigned epoch =
	    __atomic_load_n(&emulator->url_epoch, __ATOMIC_RELAXED);
	int r = sign(emulator, request, expires_ms, epoch, signature);
	if (r == 0)
		r = request_add_base(request, out);
	if (r == 0)
		r = buf_adds(out, "/storage/");
	if (r == 0)
		r = percent_encode(buf_str(&request->id), request->id.len, out);
	if (r == 0)
		r = buf_printf(out, "?expires=%" PRId64 "-%u&signature=%s",
		    expires_ms, epoch, signature);
	return r;
}

int presign_check(struct emulator *emulator, const struct request *request)
{
	const char *expires = params_get(&request->params, "expires");
	const char *given = params_get(&request->params, "signature");
	char signature[SIGNATURE_SIZE];
	char *end;
	if (!expires || !given)
		return -EACCES;
	errno = 0;
	int64_t expires_ms = strtoll(expires, &end, 10);
	if (errno || *end != '-')
		return -EACCES;
	unsigned epoch = (unsigned)strtoul(end + 1, &end, 10);
	int r = *end ? -EACCES
		     : sign(emulator, request, expires_ms, epoch, signature);
	if (r < 0)
		return r;
	if (strcmp(signature, given) != 0)
		return -EACCES;
	if (epoch != __atomic_load_n(&emulator->url_epoch, __ATOMIC_RELAXED) ||
	    timestamp_now_ms() >= expires_ms)
		return -EKEYEXPIRED;
	return 0;
}
