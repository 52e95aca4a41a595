import Glibc
import SystemPackage
import Testing
import VolleyCapture
import VolleyCore
import VolleyReplay

@Suite("Running many seeds")
struct ExplorationTests {
    /// A client that needs at least one of three datagrams to get through.
    private func askThrice(_ simulation: Simulation, loss: Double = 0.5) throws {
        simulation.defaultLink = LinkOptions(latency: .milliseconds(1), loss: loss)
        let server = try simulation.addHost("server") { try $0.bind(port: 7) { EchoService() } }
        let client = try simulation.addHost("client")
        let query = RetryingClient(requests: 1, tries: 3)
        try client.connect(to: server.address(7)) { query }
        simulation.run(for: .seconds(1))
        simulation.check(query.answered == 1, "the query was answered")
    }

    @Test("seeds that hold are counted, those that fail are told with trace and capture")
    func failures() throws {
        var texts: [String] = []
        let report = Simulation.explore(seeds: 0..<100, stopsAtFailure: false, output: { texts.append($0) }) {
            try askThrice($0)
        }
        // (1 - 0.25)^3 = 0.42 of the seeds fail.
        #expect(report.runs == 100)
        #expect(25...60 ~= report.failures.count)
        #expect(texts.count == report.failures.count)
        for failure in report.failures {
            #expect(failure.isReproducible)
            #expect(failure.reasons == ["the query was answered (at 1.0 seconds)"])
            #expect(failure.trace.contains("check failed: the query was answered"))
            var reader = try CaptureReader(bytes: failure.capture)
            while try reader.next() != nil {}
        }
        let first = try #require(report.failures.first)
        #expect(texts.first?.hasPrefix("seed \(first.seed) failed: the query was answered") == true)
        #expect(throws: ExplorationReport.FailedSeed.self) { try report.requireSuccess() }
    }

    @Test("the first failure is the end, unless it is not to be; running its seed again finds the same")
    func replay() throws {
        let report = Simulation.explore(seeds: 0..<100, output: { _ in }) { try askThrice($0) }
        let failure = try #require(report.failures.first)
        #expect(report.failures.count == 1)
        #expect(report.runs == Int(failure.seed) + 1)
        let run = Simulation.replay(seed: failure.seed) { try askThrice($0) }
        #expect(run.trace == failure.trace)
        #expect(run.capture == failure.capture)
        #expect(run.reasons == failure.reasons)
    }

    @Test("without failures there is nothing to tell")
    func success() throws {
        let report = Simulation.explore(seeds: 0..<50, output: { Issue.record(Comment(rawValue: $0)) }) {
            try askThrice($0, loss: 0)
        }
        try report.requireSuccess()
        #expect("\(report)" == "50 seeds, 0 failed")
    }

    @Test("what the body throws is a failure")
    func throwing() {
        struct Wrong: Error {}
        let report = Simulation.explore(seeds: [5], output: { _ in }) { _ in throw Wrong() }
        #expect(report.failures.map(\.seed) == [5])
        #expect(report.failures.first?.reasons == ["Wrong()"])
    }

    @Test("a test that depends on more than its simulation is told so")
    func irreproducible() {
        var calls = 0
        let report = Simulation.explore(seeds: [1], output: { _ in }) { simulation in
            calls += 1
            simulation.note("call \(calls)")
            simulation.check(false, "never")
        }
        #expect(report.failures.first?.isReproducible == false)
        #expect("\(report)".contains("not deterministic"))
    }

    @Test("trace and capture are written where they are wanted, and it is told where that fails")
    func files() throws {
        let directory = try TemporaryDirectory()
        let body: (Simulation) throws -> Void = { simulation in
            try askThrice(simulation, loss: 0.9)
            simulation.check(false, "always")
        }
        let report = Simulation.explore(seeds: [3], directory: directory.path, output: { _ in }, body)
        let failure = try #require(report.failures.first)
        let path = try #require(failure.path)
        #expect(path == directory.path + "/seed-3")
        #expect(try directory.read("seed-3.txt") == Array(failure.trace.utf8))
        #expect(try directory.read("seed-3.pcapng") == failure.capture)
        let nowhere = Simulation.explore(seeds: [3], directory: directory.path + "/none", output: { _ in }, body)
        #expect(nowhere.failures.first?.path == nil)
        #expect(nowhere.failures.first?.writeError?.contains("none/seed-3.txt") == true)
    }

    @Test("every seed of a lossy request and response simulation holds what it promises")
    func manySeeds() throws {
        #if DEBUG
        let seeds: UInt64 = 300
        #else
        let seeds: UInt64 = 1_000
        #endif
        let report = Simulation.explore(seeds: 0..<seeds) { try LossyRequests.run($0) }
        try report.requireSuccess()
        #expect(report.runs == Int(seeds))
    }
}

/// Three clients that ask a server 20 questions each, over links that lose, double and reorder.
enum LossyRequests {
    static func run(_ simulation: Simulation) throws {
        var options = LinkOptions(latency: .milliseconds(10), loss: 0.1)
        options.jitter = .exponential(mean: .milliseconds(5))
        options.faults?.duplication = 0.05
        options.faults?.burstLoss = BurstLoss(p: 0.01, r: 0.3)
        options.faults?.reordering = Faults.Reordering(0.05, by: .uniform(.zero, .milliseconds(20)))
        simulation.defaultLink = options
        let service = EchoService()
        let server = try simulation.addHost("server") { try $0.bind(port: 7) { service } }
        let clients = (0..<3).map { _ in RetryingClient(requests: 20, tries: 8) }
        for (number, client) in clients.enumerated() {
            try simulation.addHost("client\(number)").connect(to: server.address(7)) { client }
        }
        let isDone = simulation.run(until: { clients.allSatisfy(\.isDone) }, within: .seconds(60))
        simulation.check(isDone, "every client comes to an end")
        for client in clients {
            simulation.check(client.answered + client.givenUp == 20, "every question is answered or given up")
            simulation.check(client.answered >= 15, "most questions are answered, not \(client.answered)")
            simulation.check(client.errors.isEmpty, "no errors, not \(client.errors)")
        }
    }
}

/// A directory that goes with this object.
final class TemporaryDirectory {
    let path: String
    private var names: [String] = []

    init() throws {
        var generator = SystemRandomNumberGenerator()
        path = "/tmp/volley-test-\(String(generator.next(), radix: 16))"
        if unsafe mkdir(path, 0o700) != 0 { throw Errno(rawValue: errno) }
    }

    func read(_ name: String) throws -> [UInt8] {
        names.append(name)
        let file = try FileDescriptor.open(FilePath(path + "/" + name), .readOnly)
        return try file.closeAfter {
            var bytes: [UInt8] = []
            while true {
                var part = [UInt8](repeating: 0, count: 65_536)
                let count = unsafe try part.withUnsafeMutableBytes { unsafe try file.read(into: $0) }
                if count == 0 { return bytes }
                bytes += part.prefix(count)
            }
        }
    }

    deinit {
        for name in names { _ = unsafe unlink(path + "/" + name) }
        _ = unsafe rmdir(path)
    }
}
