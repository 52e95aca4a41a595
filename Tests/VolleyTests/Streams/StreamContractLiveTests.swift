import Testing
import VolleyTesting

@Suite("The stream contract, live", .timeLimit(.minutes(10)))
struct StreamContractLiveTests {
    @Test("TCP over IPv4, accepted", arguments: StreamContract.scenarios)
    func acceptedIPv4(_ scenario: StreamScenario) throws {
        try check(scenario) { try LiveStreamContractWorld(.acceptedIPv4) }
    }

    @Test("TCP over IPv6, accepted", arguments: StreamContract.scenarios)
    func acceptedIPv6(_ scenario: StreamScenario) throws {
        try check(scenario) { try LiveStreamContractWorld(.acceptedIPv6) }
    }

    @Test("TCP over IPv4, connected", arguments: StreamContract.scenarios)
    func connectedIPv4(_ scenario: StreamScenario) throws {
        try check(scenario) { try LiveStreamContractWorld(.connectedIPv4) }
    }

    @Test("TCP over IPv6, connected", arguments: StreamContract.scenarios)
    func connectedIPv6(_ scenario: StreamScenario) throws {
        try check(scenario) { try LiveStreamContractWorld(.connectedIPv6) }
    }

    @Test("Unix sockets, accepted at a path", arguments: StreamContract.scenarios)
    func acceptedUnix(_ scenario: StreamScenario) throws {
        try check(scenario) { try LiveStreamContractWorld(.acceptedUnix) }
    }

    @Test("Unix sockets, connected to an abstract name", arguments: StreamContract.scenarios)
    func connectedUnix(_ scenario: StreamScenario) throws {
        try check(scenario) { try LiveStreamContractWorld(.connectedUnix) }
    }

    @Test("a socketpair, adopted", arguments: StreamContract.scenarios)
    func socketPair(_ scenario: StreamScenario) throws {
        try check(scenario) { try LiveStreamContractWorld(.socketPair) }
    }
}
