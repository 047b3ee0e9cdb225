package cache

// counts are the sums since New, guarded by Cache.mu.
type counts struct {
	hits, misses        int64
	flights             int64
	failed, aheadFailed int64
	fetched, wasted     int64
	refused             int64
}

// Stats is the state of a cache at one moment.
type Stats struct {
	Hits   int64 // blocks that a read found in memory
	Misses int64 // blocks that a read had to wait for

	Flights       int64 // requests made
	FailedFlights int64 // of these, those that ended with an error of the source
	FailedAhead   int64 // of these, those that nobody waited for
	FlightsNow    int   // under way

	BytesFetched int64 // that arrived
	BytesWasted  int64 // of these, read ahead and forgotten unread

	AheadRefused int64 // requests ahead that were not made for want of memory
	AheadBytes   int64 // asked for ahead of all readers, and not yet read
	GuessBytes   int64 // asked for by Ahead, and not yet read

	// Memory. The four sum to at most LimitBytes, and never summed to more than
	// PeakBytes.
	ResidentBytes int64 // complete blocks that could be forgotten
	ReservedBytes int64 // blocks under way
	HeldBytes     int64 // complete blocks that somebody reads
	FreeBytes     int64 // buffers kept for use again, beyond those that blocks under way will have
	PeakBytes     int64
	LimitBytes    int64

	Waiting int // reads that wait for memory
	Objects int // known, because open or because blocks of them are kept
}

// Stats returns the state now.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{
		Hits:          c.count.hits,
		Misses:        c.count.misses,
		Flights:       c.count.flights,
		FailedFlights: c.count.failed,
		FailedAhead:   c.count.aheadFailed,
		FlightsNow:    len(c.flights),
		BytesFetched:  c.count.fetched,
		BytesWasted:   c.count.wasted,
		AheadRefused:  c.count.refused,
		AheadBytes:    c.ahead,
		GuessBytes:    c.guessed,
		ResidentBytes: c.mem.bytes[resident] + c.mem.bytes[unread],
		ReservedBytes: c.mem.bytes[reserved],
		HeldBytes:     c.mem.bytes[held] + c.mem.bytes[forgotten],
		FreeBytes:     c.mem.spare(),
		PeakBytes:     c.mem.peak,
		LimitBytes:    c.mem.limit,
		Waiting:       len(c.mem.queue),
		Objects:       len(c.objects),
	}
}
