"""Touchpoints: what sources state happened between a company and a customer.

A new touchpoint is a class in its family's module and one line in ``catalogue.py``.
"""

from domain.touchpoints.base import Reference, Touchpoint, type_name
from domain.touchpoints.catalogue import CATALOGUE, AnyTouchpoint, Catalogue
from domain.touchpoints.commercial import (
    CancelIntentDeclared,
    CompetitorOfferSeen,
    Line,
    PurchaseMade,
    PurchaseReference,
    PurchaseReturned,
    Tender,
)
from domain.touchpoints.consent import (
    ConsentExpired,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    ExclusionListed,
    ObjectionRaised,
)
from domain.touchpoints.correction import TouchpointCorrected, TouchpointVoided
from domain.touchpoints.financial import CostToServeRecorded
from domain.touchpoints.identity import (
    CustomerRegistered,
    DemographicsRecorded,
    IdentifierLinked,
    IdentifierUnlinked,
    LeadCaptured,
    LeadDisqualified,
    LeadQualified,
    PreferenceDeclared,
    ProfileUpdated,
    RelationshipEnded,
)
from domain.touchpoints.interaction import InteractionRecorded
from domain.touchpoints.loyalty import (
    AccountClosed,
    AccountOpened,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsRedeemed,
)
from domain.touchpoints.marketing import (
    CampaignBounced,
    CampaignClicked,
    CampaignDelivered,
    CampaignOpened,
    CampaignResponded,
    CampaignSent,
    SpamReported,
    Unsubscribed,
)
from domain.touchpoints.quality import (
    IncidentClosed,
    IncidentOpened,
    IncidentPending,
    IncidentReopened,
    IncidentResolved,
    IncidentResponded,
    SurveyAnswered,
)

__all__ = [
    "CATALOGUE",
    "AccountClosed",
    "AccountOpened",
    "AnyTouchpoint",
    "CampaignBounced",
    "CampaignClicked",
    "CampaignDelivered",
    "CampaignOpened",
    "CampaignResponded",
    "CampaignSent",
    "CancelIntentDeclared",
    "Catalogue",
    "CompetitorOfferSeen",
    "ConsentExpired",
    "ConsentGiven",
    "ConsentRefused",
    "ConsentWithdrawn",
    "CostToServeRecorded",
    "CustomerRegistered",
    "DemographicsRecorded",
    "ExclusionListed",
    "IdentifierLinked",
    "IdentifierUnlinked",
    "IncidentClosed",
    "IncidentOpened",
    "IncidentPending",
    "IncidentReopened",
    "IncidentResolved",
    "IncidentResponded",
    "InteractionRecorded",
    "LeadCaptured",
    "LeadDisqualified",
    "LeadQualified",
    "Line",
    "ObjectionRaised",
    "PointsAdjusted",
    "PointsEarned",
    "PointsExpired",
    "PointsRedeemed",
    "PreferenceDeclared",
    "ProfileUpdated",
    "PurchaseMade",
    "PurchaseReference",
    "PurchaseReturned",
    "Reference",
    "RelationshipEnded",
    "SpamReported",
    "SurveyAnswered",
    "Tender",
    "Touchpoint",
    "TouchpointCorrected",
    "TouchpointVoided",
    "Unsubscribed",
    "type_name",
]
