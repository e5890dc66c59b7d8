"""The regions of AWS and OCI.

Made by `python -m tests.regions` of botocore 1.44.8 (2026-11-20)
and oci 2.189.0 (2026-10-19).
"""

AWS = frozenset(
    (
        # aws
        "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2",
        "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2",
        "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
        "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1",
        "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1",
        "me-south-1", "me-west-1", "mx-central-1", "sa-east-1", "sa-west-1", "us-east-1",
        "us-east-2", "us-west-1", "us-west-2",
        # aws-cn
        "cn-north-1", "cn-northwest-1",
        # aws-eusc
        "eusc-de-east-1",
        # aws-iso
        "us-iso-east-1", "us-iso-west-1",
        # aws-iso-b
        "us-isob-east-1", "us-isob-west-1",
        # aws-iso-e
        "eu-isoe-west-1",
        # aws-iso-f
        "us-isof-east-1", "us-isof-south-1",
        # aws-us-gov
        "us-gov-east-1", "us-gov-west-1",
    )
)  # fmt: skip

OCI = frozenset(
    (
        # oc1
        "af-casablanca-1", "af-johannesburg-1", "ap-batam-1", "ap-chuncheon-1", "ap-delhi-1",
        "ap-hyderabad-1", "ap-kulai-2", "ap-melbourne-1", "ap-mumbai-1", "ap-osaka-1", "ap-seoul-1",
        "ap-singapore-1", "ap-singapore-2", "ap-sydney-1", "ap-tokyo-1", "ca-montreal-1",
        "ca-toronto-1", "eu-amsterdam-1", "eu-frankfurt-1", "eu-madrid-1", "eu-madrid-3",
        "eu-marseille-1", "eu-milan-1", "eu-paris-1", "eu-stockholm-1", "eu-turin-1", "eu-zurich-1",
        "il-jerusalem-1", "me-abudhabi-1", "me-dubai-1", "me-jeddah-1", "me-riyadh-1",
        "mx-monterrey-1", "mx-queretaro-1", "sa-bogota-1", "sa-santiago-1", "sa-saopaulo-1",
        "sa-valparaiso-1", "sa-vinhedo-1", "uk-cardiff-1", "uk-london-1", "us-ashburn-1",
        "us-chicago-1", "us-phoenix-1", "us-saltlake-2", "us-sanjose-1",
        # oc2
        "us-langley-1", "us-luke-1",
        # oc3
        "us-gov-ashburn-1", "us-gov-chicago-1", "us-gov-phoenix-1",
        # oc4
        "uk-gov-cardiff-1", "uk-gov-london-1",
        # oc8
        "ap-chiyoda-1", "ap-ibaraki-1",
        # oc9
        "me-dcc-muscat-1", "me-ibri-1",
        # oc10
        "ap-dcc-canberra-1",
        # oc14
        "eu-dcc-dublin-1", "eu-dcc-dublin-2", "eu-dcc-milan-1", "eu-dcc-milan-2", "eu-dcc-rating-1",
        "eu-dcc-rating-2",
        # oc15
        "ap-dcc-gazipur-1",
        # oc19
        "eu-frankfurt-2", "eu-madrid-2",
        # oc20
        "eu-jovanovac-1",
        # oc21
        "me-alrayyan-1", "me-dcc-doha-1",
        # oc23
        "us-somerset-1", "us-thames-1",
        # oc24
        "eu-crissier-1", "eu-dcc-zurich-1",
        # oc26
        "me-abudhabi-3", "me-alain-1",
        # oc29
        "me-abudhabi-2", "me-abudhabi-4",
        # oc35
        "ap-chuncheon-2", "ap-seoul-2", "ap-suwon-1",
        # oc42
        "us-ashburn-2", "us-newark-1",
        # oc51
        "eu-budapest-1",
        # oc52
        "sa-riodejaneiro-1",
    )
)  # fmt: skip
