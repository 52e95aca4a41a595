internal import SystemPackage
internal import VolleyCapture

/// Running many seeds.
extension Simulation {
    /// Runs a test with many seeds, and says which ones fail.
    ///
    /// ```swift
    /// let report = Simulation.explore(seeds: 0..<1_000) { simulation in
    ///     … add hosts, run, check …
    /// }
    /// try report.requireSuccess()
    /// ```
    ///
    /// A seed fails when `body` throws or a ``check(_:_:)`` fails. It is then run once more, to have its trace and its
    /// capture, so that seeds which pass cost neither. `body` must depend on nothing but its simulation.
    ///
    /// - Parameters:
    ///   - seeds: the seeds.
    ///   - stopsAtFailure: whether the first failure is the end; otherwise all are run.
    ///   - directory: where trace and capture of failures are written, as `seed-7.txt` and `seed-7.pcapng`; must exist.
    ///   - output: takes each failure as text; standard output by default.
    ///   - body: one run; the simulation is ended afterwards.
    /// - Returns: what was found.
    public static func explore(
        seeds: some Sequence<UInt64>, stopsAtFailure: Bool = true, directory: String? = nil,
        output: (String) -> Void = { print($0) }, _ body: (Simulation) throws -> Void
    ) -> ExplorationReport {
        var report = ExplorationReport()
        for seed in seeds {
            report.runs += 1
            let first = run(seed, recording: false, body)
            guard !first.reasons.isEmpty else { continue }
            let failure = replay(seed: seed, directory: directory, body)
            let digest = failure.digest
            let failed = ExplorationReport.FailedSeed(
                seed: seed, reasons: first.reasons, trace: failure.trace, capture: failure.capture,
                path: failure.path, writeError: failure.writeError,
                isReproducible: digest == first.digest && failure.reasons == first.reasons)
            report.failures.append(failed)
            output(failed.description)
            if stopsAtFailure { break }
        }
        return report
    }

    /// One run of a test.
    public struct Run: Sendable {
        /// What failed: checks in order, then what the body threw.
        public fileprivate(set) var reasons: [String]
        /// See ``Simulation/digest``.
        public fileprivate(set) var digest: UInt64
        /// Everything that happened, one event a line.
        public fileprivate(set) var trace = ""
        /// All that came out of links, a pcapng file.
        public fileprivate(set) var capture: [UInt8] = []
        /// Where both were written, without `.txt` and `.pcapng`; `nil` if they were not.
        public fileprivate(set) var path: String?
        /// Why they could not be written, if they were to be.
        public fileprivate(set) var writeError: String?
    }

    /// Runs a test with one seed, and keeps trace and capture.
    ///
    /// - Parameters:
    ///   - seed: the seed.
    ///   - directory: where trace and capture are written; must exist.
    ///   - body: as for ``explore(seeds:stopsAtFailure:directory:output:_:)``.
    /// - Returns: what happened.
    public static func replay(
        seed: UInt64, directory: String? = nil, _ body: (Simulation) throws -> Void
    ) -> Run {
        var result = run(seed, recording: true, body)
        guard let directory else { return result }
        let path = "\(directory)/seed-\(seed)"
        do {
            try write(Array(result.trace.utf8), to: path + ".txt")
            try write(result.capture, to: path + ".pcapng")
            result.path = path
        } catch {
            result.writeError = "cannot write \(path).txt and .pcapng: \(error)"
        }
        return result
    }

    private static func run(_ seed: UInt64, recording: Bool, _ body: (Simulation) throws -> Void) -> Run {
        let simulation = Simulation(seed: seed)
        let writer = recording ? CaptureWriter(inMemory: .pcapng) : nil
        simulation.keepsTrace = recording
        if let writer { simulation.record(to: writer) }
        var reasons: [String] = []
        do {
            try body(simulation)
        } catch {
            reasons = ["\(error)"]
        }
        reasons = simulation.failures.map(\.description) + reasons
        var result = Run(reasons: reasons, digest: simulation.digest)
        if let writer {
            result.trace = simulation.traceText
            result.capture = writer.bytes
        }
        simulation.end()
        return result
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let file = try FileDescriptor.open(
            FilePath(path), .writeOnly, options: [.create, .truncate, .closeOnExec],
            permissions: [.ownerReadWrite, .groupRead, .otherRead])
        try file.closeAfter { _ = try file.writeAll(bytes) }
    }
}
