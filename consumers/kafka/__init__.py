"""Kafka in: reads the sources' topics into the journal, each message once.

Offsets live in PostgreSQL and are swapped in the transaction that appends
(:mod:`journal.intake.claims`); what is committed to Kafka is advice for lag tools only.

What an operator should know:

* Publishers use the partitioner murmur2 (librdkafka: ``partitioner=murmur2_random``), else the same
  key falls on another partition than those of Java and Python publishers. Nothing breaks by it;
  locality is lost.
* A topic that was deleted and made anew is refused, at a claim at once and under a running worker
  within ``topic_check_seconds``. Messages that were read in between are counted against the old
  offsets and may be skipped in the new topic: the check narrows this window and cannot close it.
  Never delete a topic under a running worker. ``read_topic_anew`` accepts the new topic.
* Offsets below retention or beyond the end are refused, never skipped. ``read_topic_anew`` accepts
  the loss.
* Repeated rejects pause that topic's partitions; ``resume_topic`` or the set time lets them go on.
* A worker that was killed is replaced after the session time-out (settings), one that was stopped
  at once. Moved partitions pause for about a second. Each worker has a name of its own in the group
  (a static member), so that it comes back at once after an outage: without it, a consumer built
  anew waited out its former self's session (measured: 6.0 s against 0.5 s).
* A worker frozen inside its transaction is cut off by PostgreSQL after three seconds
  (``idle_in_transaction_session_timeout``). Frozen in the midst of a COPY it is not idle: then its
  session must be ended by hand (``pg_terminate_backend``), or the process.
* A topic that is truncated by an unclean election and filled again past our offset looks unbroken.
"""
