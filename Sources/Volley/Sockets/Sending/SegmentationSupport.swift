internal import CVolley
internal import Glibc

/// Whether this kernel sends and receives trains of datagrams (`UDP_SEGMENT`, Linux 4.18; `UDP_GRO`, Linux 5.0): found
/// out by sending some, since the options alone promise more than every kernel, or what stands for one, keeps.
struct SegmentationSupport: Sendable {
    /// The most datagrams of a train that can be sent; 0 when none can.
    var segmentsMax: Int
    /// Whether a socket with `UDP_GRO` gets datagrams with their boundaries.
    var receivesTrains: Bool

    static let none = SegmentationSupport(segmentsMax: 0, receivesTrains: false)

    /// What this process found out when it first needed to know.
    static let probed = probe()

    /// Sends trains over loopback, to a socket that gets datagrams and to one that gets trains.
    private static func probe() -> SegmentationSupport {
        // Linux takes 64 segments, and 128 since 6.9.
        guard let segmentsMax = [128, 64].first(where: { delivers($0, receivesTrains: false) }) else { return .none }
        return SegmentationSupport(segmentsMax: segmentsMax, receivesTrains: delivers(3, receivesTrains: true))
    }

    /// Whether a train of `segments` datagrams, the last of them shorter, arrives whole and with its boundaries.
    private static func delivers(_ segments: Int, receivesTrains: Bool) -> Bool {
        let descriptor = Glibc.socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { System.close(descriptor) }
        let gro: CInt = receivesTrains ? 1 : 0
        return volley_probe_open(descriptor, gro) == 0 && volley_probe_train(descriptor, CInt(segments), 8, gro) == 1
    }
}
