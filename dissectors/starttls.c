#include "dissectors/starttls.h"

static void step(struct facts *f, enum upg_event event)
{
	if (!upg_step(&f->upgrade, event))
		facts_oddity(f, ODDITY_UNEXPECTED_UPGRADE);
}

void starttls_offered(struct facts *f)
{
	f->s.offered = TRI_TRUE;
	upg_step(&f->upgrade, EV_OFFER);
}

void starttls_not_offered(struct facts *f)
{
	if (f->s.offered != TRI_TRUE && !f->answer_pending && !f->granted)
		f->s.offered = TRI_FALSE; /* a list with the yes, or behind it, is the next one */
}

void starttls_asked(struct facts *f)
{
	f->s.requested = TRI_TRUE;
	f->s.accepted = TRI_NULL;
	f->answer_pending = f->same_flight = true;
	f->asked_late |= f->plain;
	f->granted = false;
	step(f, EV_ASK);
}

bool starttls_in_flight(const struct facts *f)
{
	return f->answer_pending && f->same_flight && !f->visible[SERVER];
}

void starttls_answered(struct facts *f, bool yes)
{
	f->answer_pending = false;
	if (yes) {
		f->s.accepted = TRI_TRUE;
		f->upgrade_broken = false; /* an earlier one was */
		f->granted = true;
		upg_step(&f->upgrade, EV_YES);
		return;
	}
	f->s.accepted = TRI_FALSE;
	f->starttls_refused = true;
	f->offer_refused |= f->s.offered == TRI_TRUE;
	if (upg_step(&f->upgrade, EV_NO) && f->upgrade == UPG_BROKEN)
		f->upgrade_broken = true; /* the ClientHello had not waited */
}

void starttls_clear(struct facts *f)
{
	if (!f->granted || !f->visible[CLIENT])
		return;
	facts_oddity(f, ODDITY_CLEAR_AFTER_UPGRADE);
	f->upgrade_broken = true;
	f->mirrored |= f->decrypted_mirror && f->tls == TLS_NONE;
	upg_step(&f->upgrade, EV_CLEAR);
}

bool starttls_is_masked(struct span word, size_t length)
{
	if (word.len != length)
		return false;
	for (size_t i = 0; i < length; i++) {
		uint8_t b = ascii_upper(word.at[i]);

		if (b != 'X' && (b != 'A' || i + 1 < length))
			return false;
	}
	return true;
}

void starttls_offer_masked(struct facts *f)
{
	f->masked = true;
	facts_evidence(f, WORD_MASKED);
}

void starttls_request_masked(struct facts *f)
{
	f->request_masked = true;
	facts_evidence(f, WORD_MASKED);
}
