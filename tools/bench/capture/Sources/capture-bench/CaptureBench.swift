// Measures capture → decoded UDP: `swift run -c release --package-path tools/bench/capture capture-bench [FILE]`.
//
// Without FILE a pcap of 1.4 million packets (some 540 MB) is written to /tmp once. Each contestant reads the file in
// turn, round after round, so that whatever else the machine does hits all of them; medians are compared. All have to see
// the same datagrams.

import CBaseline
import Glibc

@main
enum CaptureBench {
    static let rounds = 9

    static func main() throws {
        let path = CommandLine.arguments.dropFirst().first ?? "/tmp/volley-capture-bench.pcap"
        if access(path, R_OK) != 0 {
            print("writing \(path)")
            try Generator.write(to: path, count: 1_400_000)
        }
        var times = [Contestant: [Double]]()
        var seen: baseline_result?
        // The first round warms the page cache.
        for round in 0...rounds {
            for contestant in Contestant.allCases {
                let start = ContinuousClock.now
                let result = try contestant.run(path)
                let duration = ContinuousClock.now - start
                try agree(&seen, result, contestant)
                if round > 0 { times[contestant, default: []].append(duration / .seconds(1)) }
            }
        }
        report(records: Double(seen?.records ?? 0), medians: times.mapValues { $0.sorted()[rounds / 2] })
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

    private static func report(records: Double, medians: [Contestant: Double]) {
        let ours = medians[.volley] ?? 0
        print("\(Int(records)) records, median of \(rounds) interleaved rounds")
        for contestant in Contestant.allCases {
            let median = medians[contestant] ?? 0
            let rate = (records / median / 1e5).rounded() / 10
            let perRecord = (median / records * 1e10).rounded() / 10
            let ratio = (median / ours * 100).rounded() / 100
            print(
                "\(contestant.rawValue): \(rate) million records/s, \(perRecord) ns each; volley is \(ratio) times as fast"
            )
        }
    }
}
