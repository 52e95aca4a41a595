import ArgumentParser
import VolleyDNS
import VolleyReplay

/// The protocols whose replies can be compared by what they say.
enum GoldenProtocol: String, ExpressibleByArgument, CaseIterable {
    case dns

    /// Sets key, mask and description.
    func apply(to rules: inout ReplyRules) {
        switch self {
        case .dns:
            rules.key = DNSComparison.key
            rules.mask = DNSComparison.mask
            rules.describe = DNSComparison.describe
        }
    }
}
