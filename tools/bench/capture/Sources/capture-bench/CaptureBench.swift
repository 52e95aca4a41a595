// Measures capture → decoded UDP:
// `swift run -c release --package-path tools/bench/capture capture-bench [FILE [COUNT [NAME]]]`.
//
// FILE is a pcap or pcapng of Ethernet frames; unless it exists, COUNT packets (1.4 million, some 540 MB) are written to
// it first. NAME runs that contestant alone, for a profiler. The bare C loop knows pcap only and sits out if FILE ends in .pcapng.
// Each contestant reads the file in turn, round after round and another one first each time, so that whatever else the
// machine does hits all of them; medians are compared. All have to see the same datagrams. Times include the kernel's
// copying from the page cache; user times do not.

import CBaseline
import Glibc

@main
enum CaptureBench {
    static let rounds = 9

    /// Seconds one contestant took for the whole file.
    struct Sample {
        var elapsed: Double
        var user: Double
    }

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let path = arguments.first ?? "/tmp/volley-capture-bench.pcap"
        if access(path, R_OK) != 0 {
            print("writing \(path)")
            try Generator.write(to: path, count: arguments.dropFirst().first.flatMap { Int($0) } ?? 1_400_000)
        }
        let name = arguments.dropFirst(2).first
        let contestants = Contestant.allCases.filter {
            ($0 != .read || !path.hasSuffix(".pcapng")) && (name == nil || name == $0.rawValue)
        }
        var samples: [Contestant: [Sample]] = [:]
        var seen: baseline_result?
        // The first round warms the page cache.
        for round in 0...rounds {
            for turn in contestants.indices {
                let contestant = contestants[(turn + round) % contestants.count]
                let (start, userStart) = (ContinuousClock.now, userSeconds())
                let result = try contestant.run(path)
                let sample = Sample(
                    elapsed: (ContinuousClock.now - start) / .seconds(1), user: userSeconds() - userStart)
                try agree(&seen, result, contestant)
                if round > 0 { samples[contestant, default: []].append(sample) }
            }
        }
        report(records: Double(seen?.records ?? 0), samples)
    }

    private static func agree(
        _ seen: inout baseline_result?, _ result: baseline_result, _ contestant: Contestant
    ) throws {
        guard let first = seen else {
            seen = result
            return
        }
        guard first.records == result.records, first.delivered == result.delivered,
            first.payload_bytes == result.payload_bytes, first.checksum == result.checksum
        else { throw Failure(message: "\(contestant.rawValue) saw something else than the first one") }
    }

    private static func report(records: Double, _ samples: [Contestant: [Sample]]) {
        print("\(Int(records)) records, medians of \(rounds) interleaved rounds; ns are per record")
        let libpcap = samples[.libpcap].map { median($0, \.elapsed) }
        for contestant in Contestant.allCases where samples[contestant] != nil {
            let elapsed = median(samples[contestant] ?? [], \.elapsed)
            let user = median(samples[contestant] ?? [], \.user)
            let ratio = libpcap.map { "; \(($0 / elapsed * 100).rounded() / 100) times as fast as libpcap" } ?? ""
            print(
                "\(contestant.rawValue): \(tenths(records / elapsed / 1e6)) million records/s,",
                "\(tenths(elapsed / records * 1e9)) ns, \(tenths(user / records * 1e9)) ns of them user" + ratio)
        }
    }

    private static func median(_ samples: [Sample], _ value: (Sample) -> Double) -> Double {
        samples.map(value).sorted()[samples.count / 2]
    }

    private static func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    private static func userSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
    }
}
