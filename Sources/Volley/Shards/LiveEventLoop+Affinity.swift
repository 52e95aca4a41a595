public import VolleyCore

extension LiveEventLoop {
    /// The processors the calling thread may run on, in ascending order (`sched_getaffinity(2)`): what a container or
    /// `taskset` leaves of those there are.
    ///
    /// At least one, also where the kernel does not say.
    public static var availableProcessors: [Int] {
        guard let processors = System.affinity(), !processors.isEmpty else { return [0] }
        return processors
    }

    /// Binds the loop's thread to processors (`sched_setaffinity(2)`).
    ///
    /// Blocks until the loop has done it. A process may be refused some processors (cpuset(7)); what was granted is in
    /// ``processors()``.
    ///
    /// - Throws: `EINVAL` when none of them is there for this process, or a number is below 0 or over 8191.
    public func pin(to processors: Set<Int>) throws(DatagramError) {
        try run { _ throws(DatagramError) in try System.setAffinity(processors) }
    }

    /// The processors the loop's thread may run on, in ascending order; blocks until the loop has answered.
    ///
    /// - Throws: `ECANCELED` once the loop has stopped.
    public func processors() throws(DatagramError) -> [Int] {
        try run { _ throws(DatagramError) in System.affinity() ?? [] }
    }
}
