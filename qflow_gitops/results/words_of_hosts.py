"""What stops a command at Qualys, a login or a code host: what each word means, and what to do."""

from qflow_gitops.results.words import Word

_AGAIN = "Run the command again"

QUALYS = (
    Word("auth", "Qualys refused the credentials or a right.", "`qflow-gitops doctor qualys`"),
    Word(
        "api_server_form",
        "QFLOW_API_SERVER is no address of an API server.",
        "Correct it: https, and of the sandbox this machine.",
    ),
    Word(
        "api_server_missing",
        "The platform's API server isn't known by itself.",
        "Set QFLOW_API_SERVER.",
    ),
    Word(
        "api_server_not_allowed",
        "QFLOW_API_SERVER is set, and the platform has an API server of its own.",
        "Unset it, or set the platform that it belongs to.",
    ),
    Word("ca_file", "The file of QFLOW_CA_FILE holds no certificates.", "Name a PEM file."),
    Word("credentials_form", "A credential holds a character that none has.", "Set it again."),
    Word(
        "credentials_missing", "There are no credentials, or half of them.", "Set both variables."
    ),
    Word("credentials_refused", "Qualys refused the credentials.", "Check them; user level only."),
    Word("credentials_twice", "There are two ways to log in at once.", "Unset one."),
    Word(
        "gateway_form",
        "QFLOW_GATEWAY is no address of a gateway.",
        "Correct it: https, and of the sandbox this machine.",
    ),
    Word(
        "gateway_missing",
        "The platform's gateway isn't known by itself.",
        "Set QFLOW_GATEWAY.",
    ),
    Word(
        "gateway_not_allowed",
        "QFLOW_GATEWAY is set, and the platform has a gateway of its own.",
        "Unset it, or set the platform that it belongs to.",
    ),
    Word(
        "permission", "Qualys doesn't permit this.", "Add the right, and API access, to the role."
    ),
    Word(
        "platform_unknown", "There is no platform of this name.", "Set `platform:` in `qflow.yaml`."
    ),
    Word("proxy_form", "QFLOW_PROXY is no address of a proxy.", "Correct or unset it."),
    Word("token_form", "What Qualys answered is no token.", "Check the platform."),
    Word("token_refused", "Qualys refused the token.", "Get a new one, or check the platform."),
    Word("token_unreachable", "Qualys gave no token.", "Check network and platform; run it again."),
    Word("unreachable", "Qualys could not be reached; nothing was executed.", f"{_AGAIN} later."),
    Word("unsent", "It is proven that nothing was sent.", "Apply again."),
)

LOGIN = (
    Word(
        "credential_command",
        "The program of QFLOW_CREDENTIAL_COMMAND failed, or printed no credentials.",
        "Run it by hand, outside the repository, and see what it prints.",
    ),
    Word(
        "id_token",
        "The CI's ID token can't be used: it is over, for another audience, or none.",
        "Set QFLOW_LOGIN_AUDIENCE to the audience that the job asks for.",
    ),
    Word(
        "id_token_address",
        "What the runner sets for its ID token isn't as the runner sets it.",
        "Leave these variables out of your `env:`.",
    ),
    Word(
        "id_token_missing",
        "This job may not have an ID token.",
        "Give it the right: `id-token: write` on GitHub, `id_tokens:` on GitLab.",
    ),
    Word(
        "id_token_redirect",
        "The address for ID tokens leads elsewhere, which wasn't followed.",
        "See what sets the address.",
    ),
    Word("id_token_refused", "The forge issued no ID token.", "Run the job again."),
    Word("id_token_unreachable", "The forge gave no ID token.", f"{_AGAIN} later."),
    Word(
        "login_audience",
        "QFLOW_LOGIN_AUDIENCE holds a character that no audience has.",
        "Set it again, in plain letters.",
    ),
    Word(
        "login_incomplete",
        "Of QFLOW_LOGIN and QFLOW_LOGIN_AUDIENCE one is set alone.",
        "Set both, or neither.",
    ),
    Word(
        "login_unknown",
        "QFLOW_LOGIN names no login.",
        "Set it to `github`, `gitlab` or `forgejo`.",
    ),
    Word(
        "token_file",
        "The file of QFLOW_TOKEN_FILE holds no token that can be read.",
        "Let it name a file that holds a token.",
    ),
    Word(
        "token_file_over",
        "The token in the file of QFLOW_TOKEN_FILE is over.",
        "See that what writes the file still does.",
    ),
    Word(
        "token_file_tracked",
        "Git keeps the file of QFLOW_TOKEN_FILE, so its readers have the token.",
        "Revoke the token, and name a file that is in no commit.",
    ),
)

GITHUB = (
    Word("comment_contended", "Others remove the comment while it is written.", f"{_AGAIN}."),
    Word("github_address", "GITHUB_API_URL is no https address.", "Leave it out for github.com."),
    Word("github_answer", "GitHub's answer isn't what it documents.", "Check GITHUB_API_URL."),
    Word("github_moved", "The repository was renamed or moved.", "Set GITHUB_REPOSITORY again."),
    Word("github_permission", "GitHub doesn't permit this.", "Check the job's `permissions`."),
    Word(
        "github_read_only", "This token may not comment.", "`permissions: {pull-requests: write}`"
    ),
    Word("github_refused", "GitHub refused this.", "Check repository and pull request."),
    Word("github_repository", "It isn't known which repository to use.", "Set GITHUB_REPOSITORY."),
    Word("github_token", "There is no token for GitHub, or it isn't known.", "Set GITHUB_TOKEN."),
    Word("github_unreachable", "GitHub could not be asked, or gave no clear answer.", f"{_AGAIN}."),
    Word("pull_request_commit", "A pull request's commit isn't in this clone.", "Fetch it."),
    Word("pull_request_unknown", "It isn't known which pull request.", "`--pull-request N`"),
)

TICKETS = (
    Word(
        "ticket_account",
        "The system of tickets refused the account.",
        "Set QFLOW_TICKET_USERNAME and QFLOW_TICKET_PASSWORD, or QFLOW_TICKET_TOKEN, again.",
    ),
    Word(
        "ticket_answer",
        "An answer about a ticket isn't what its system documents, or lacks a field.",
        "Check QFLOW_TICKET_URL, and the fields in `policy.require.ticket`.",
    ),
    Word(
        "ticket_permission",
        "The system of tickets doesn't permit this to the account.",
        "Give the account the right to it.",
    ),
    Word("ticket_unreachable", "The system of tickets could not be asked.", f"{_AGAIN} later."),
    Word(
        "ticket_unset",
        "Where tickets are, or as whom they are asked for, isn't set, or can't be used.",
        "Set QFLOW_TICKET_URL and the account, or QFLOW_TICKET_COMMAND.",
    ),
)

GITLAB = (
    Word("gitlab_address", "CI_API_V4_URL is no https address.", "Leave it out for gitlab.com."),
    Word("gitlab_answer", "GitLab's answer isn't what it documents.", "Check CI_API_V4_URL."),
    Word("gitlab_moved", "The project was renamed or moved.", "Set CI_PROJECT_PATH again."),
    Word("gitlab_permission", "GitLab doesn't show this to the token.", "Use one that may see it."),
    Word("gitlab_project", "GitLab shows no such project.", "Check its path and the token."),
    Word("gitlab_refused", "GitLab refused this.", "Check the project and the token."),
    Word("gitlab_token", "There is no token for GitLab, or it isn't known.", "Set GITLAB_TOKEN."),
    Word("gitlab_unreachable", "GitLab could not be asked.", f"{_AGAIN} later."),
)

RECEIVERS = (
    Word(
        "notices_left",
        "A receiver didn't take what it was to be told; it stays in the lockfile.",
        "See to what it says. Then: `qflow-gitops notify`",
    ),
    Word(
        "notify_address",
        "A receiver's address isn't one of https, or has a user, a space or a `#`.",
        "Correct the variable that the message names, or unset it.",
    ),
    Word(
        "notify_key",
        "QFLOW_NOTIFY_KEY isn't set, or is no `whsec_` and base64 of 24 to 64 bytes.",
        "Set it to what the receiver verifies with, or unset QFLOW_NOTIFY_URL as well.",
    ),
    Word(
        "notify_nobody",
        "No receiver is set up, so nobody can be told.",
        "Set QFLOW_NOTIFY_URL and QFLOW_NOTIFY_KEY, QFLOW_NOTIFY_SLACK_URL or "
        "QFLOW_NOTIFY_TEAMS_URL.",
    ),
)
