"""What Meta's Graph APIs share (asking, errors, usage headers, paging), and one file each for Facebook, Instagram and
Threads. The collector is `collectors.meta`."""
