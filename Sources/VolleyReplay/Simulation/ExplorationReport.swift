/// What running many seeds has found.
public struct ExplorationReport: Sendable {
    /// How many seeds were run.
    public internal(set) var runs = 0
    /// The seeds that failed, in order.
    public internal(set) var failures: [FailedSeed] = []

    /// One seed that failed.
    public struct FailedSeed: Error, Sendable {
        /// The seed: `Simulation.replay(seed:)` runs it again.
        public let seed: UInt64
        /// What failed: checks in order, then what the body threw.
        public let reasons: [String]
        /// Everything that happened, one event a line.
        public let trace: String
        /// All that came out of links, a pcapng file.
        public let capture: [UInt8]
        /// Where trace and capture were written: these paths with `.txt` and `.pcapng`; `nil` if they were not.
        public let path: String?
        /// Why they could not be written, if they were to be.
        public let writeError: String?
        /// Whether the second run, from which trace and capture are, did the very same as the first.
        ///
        /// If not, the test takes something from outside the simulation: the clock, random numbers, the order of a
        /// dictionary, or what an earlier seed has left behind.
        public let isReproducible: Bool
    }

    /// Throws the first failure, if there is one.
    public func requireSuccess() throws(FailedSeed) {
        if let failure = failures.first { throw failure }
    }
}

extension ExplorationReport: CustomStringConvertible {
    /// How many seeds were run, and those that failed with their reasons.
    public var description: String {
        (["\(runs) seeds, \(failures.count) failed"] + failures.map(\.summary)).joined(separator: "\n")
    }
}

extension ExplorationReport.FailedSeed: CustomStringConvertible {
    /// Seed, reasons, and the last events.
    public var description: String {
        let lines = trace.split(separator: "\n")
        return summary + "\nlast \(min(40, lines.count)) of \(lines.count) events:\n"
            + lines.suffix(40).joined(separator: "\n")
    }

    /// Seed and reasons, in one line each.
    var summary: String {
        var text = "seed \(seed) failed: " + reasons.joined(separator: "; ")
        if let path { text += "\n  see \(path).txt and \(path).pcapng" }
        if let writeError { text += "\n  \(writeError)" }
        if !isReproducible { text += "\n  a second run of this seed went another way: something is not deterministic" }
        return text
    }
}
